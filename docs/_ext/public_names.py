"""The reference: ``<!-- names: PACKAGE -->`` in a page becomes the package's public names with their docstrings."""

import importlib
import inspect
import re
import sys

from sphinx.pycode import ModuleAnalyzer

_MARK = re.compile(r"^<!-- names: ([\w.]+) -->$", re.MULTILINE)
_ARRAY = re.compile(r"jaxlib\._jax\.Array|jax\.Array")
_EITHER = re.compile(
    r"(\w+)\[[\w.~]*Array, ('[^']*')\] \| [\w.~]+\[[\w.~]*ndarray, '[^']*'\]"
    r"(?: \| [\w.~]*(?:number|bool|int|float|complex))*"
)
_PARAMETERS = re.compile(r"<dl>\n((?:<dd><em class=\"sig-param.*</dd>\n)+)</dl>\n")
_ROW = '<span class="sig-row">'
_KINDS = ("function", "class", "exception", "data")
_SHORT = 60


def kind(value) -> str:
    """What a public name stands for."""
    if inspect.isclass(value):
        return "exception" if issubclass(value, Exception) else "class"
    return "function" if inspect.isroutine(value) else "data"


def names_of(package: str) -> str:
    """A heading and a directive for each public name: functions first, then classes, errors and constants.

    Names are found as a user finds them, however late they are imported. What `zoo` itself has stands on its page.
    """
    module, top = importlib.import_module(package), importlib.import_module("zoo")
    values = {name: getattr(module, name) for name in module.__all__}
    on_top = [name for name in values if package != "zoo" and name in top.__all__]
    shown = sorted(set(values) - set(on_top), key=lambda name: (_KINDS.index(kind(values[name])), name.lower()))
    parts = [
        f"## {name}\n\n```{{eval-rst}}\n{directive(package, name, values[name])}```\n" for name in shown
    ]  # fmt: skip
    if on_top:
        parts.insert(0, f"On [the page of zoo](zoo.md): {', '.join(f'`{name}`' for name in sorted(on_top))}.\n")
    return "\n".join(parts)


def directive(package: str, name: str, value) -> str:
    """What describes one name."""
    if kind(value) != "data":
        members = "   :members:\n   :special-members: __call__\n" if kind(value) == "class" else ""
        return f".. auto{kind(value)}:: {package}.{name}\n{members}"
    text = f".. py:data:: {package}.{name}\n"
    if len(repr(value)) < _SHORT and not callable(value):
        text += f"   :value: {value!r}\n"
    return text + "\n" + "".join(f"   {escaped(line)}\n" for line in comment_on(package, name))


def comment_on(package: str, name: str) -> list[str]:
    """The lines below a constant, in whichever module of the package it is set."""
    for module in sorted(found for found in sys.modules if found.startswith(f"{package}.")):
        lines = ModuleAnalyzer.for_module(module).find_attr_docs().get(("", name))
        if lines:
            return lines
    return []


def escaped(line: str) -> str:
    """A docstring's line in which an array's ``*batch`` or a bar is no markup."""
    return re.sub(r"(?<=[\[ ('\"])\*(?=\w+[ ,\])])|\|", lambda found: "\\" + found[0], line)


def plain_types(app, what, name, obj, options, signature, returned):
    """Arrays as their annotations say it, not as jaxtyping and JAX spell them out."""
    return tuple(
        text and _ARRAY.sub("Array", _EITHER.sub(r"\1[ArrayLike, \2]", text)) for text in (signature, returned)
    )


def readable_signatures(app, pagename, templatename, context, doctree) -> None:
    """Parameters, a line each, without the list that Sphinx makes of them: one of definitions that define nothing."""
    if "body" in context:
        body = context["body"].replace("jaxlib._jax.Array", "Array")
        context["body"] = _PARAMETERS.sub(
            lambda found: found[1].replace("<dd>", _ROW).replace("</dd>", "</span>"), body
        )


def expand(app, docname: str, source: list[str]) -> None:
    """Fills the marks of one page."""
    source[0] = _MARK.sub(lambda found: names_of(found[1]), source[0])


def escape_docstring(app, what, name, obj, options, lines: list[str]) -> None:
    """Autodoc's lines, in place, after Napoleon has put types into them."""
    lines[:] = map(escaped, lines)


def setup(app) -> dict:
    """Sphinx asks for it."""
    app.connect("source-read", expand)
    app.connect("html-page-context", readable_signatures)
    app.connect("autodoc-process-signature", plain_types)
    app.connect("autodoc-process-docstring", escape_docstring, priority=900)
    return {"parallel_read_safe": True}
