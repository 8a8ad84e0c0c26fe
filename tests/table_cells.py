"""Rows of tables in Markdown, for tests."""


def cells(line: str) -> list[str]:
    """A row's cells, without the spaces around them."""
    return [cell.strip().replace("\N{NO-BREAK SPACE}", " ") for cell in line.strip().strip("|").split("|")]
