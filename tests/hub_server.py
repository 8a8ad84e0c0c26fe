"""A stand-in for the Hub on the loopback interface: the routes that the unmodified client uses.

Repositories live in memory. Its faults can be ordered: a transfer that breaks off, other bytes than were
published, no answer at all.
"""

import hashlib
import json
import re
import threading
from base64 import b64decode
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from urllib.parse import parse_qs, unquote, urlsplit

TOKEN = "hf_right"


def git_oid(data: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(data) + data).hexdigest()


@dataclass
class Repository:
    private: bool = False
    branches: dict[str, str] = field(default_factory=dict)
    commits: dict[str, dict[str, bytes]] = field(default_factory=dict)
    listed: list[dict] | None = None

    def commit(self, branch: str, files: dict[str, bytes]) -> str:
        content = json.dumps([branch, len(self.commits), sorted((k, git_oid(v)) for k, v in files.items())])
        sha = hashlib.sha1(content.encode()).hexdigest()
        self.commits[sha] = dict(files)
        self.branches[branch] = sha
        return sha

    def files(self, revision: str) -> dict[str, bytes] | None:
        return self.commits.get(self.branches.get(revision, revision))


class HubServer:
    """``with HubServer() as hub``: `hub.url` is its endpoint.

    Attributes:
        repositories: by ``org/name``.
        requests: ``(method, path)`` of every request, in order.
        ranges: ``Range`` headers that came, by path of the file.
        break_after: send so many bytes of that file once, then hang up.
        stall: files whose bytes are not sent before `release` is set.
        release: event.
        replace: other bytes in place of a file's.
        headers: of every answer with a file, in place of the right ones.
        faults: status and headers with which the next requests are answered.
        drip: files whose bytes come one by one, this many seconds apart.
        mutate: makes other answers (status, body, headers) of the right ones.
        endless: whether lists of files go on for ever, with this in place of what is there.
    """

    def __init__(self):
        self.repositories: dict[str, Repository] = {}
        self.requests: list[tuple[str, str]] = []
        self.ranges: dict[str, list[str]] = {}
        self.break_after: dict[str, int] = {}
        self.stall: set[str] = set()
        self.release = threading.Event()
        self.replace: dict[str, bytes] = {}
        self.headers: dict[str, str] = {}
        self.faults: list[tuple[int, dict[str, str]]] = []
        self.drip: dict[str, float] = {}
        self.endless: list[dict] | None = None
        self.mutate: Callable[[int, bytes, dict], tuple[int, bytes, dict]] = lambda *answer: answer
        self._server = ThreadingHTTPServer(("127.0.0.1", 0), _handler(self))
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> "HubServer":
        threading.Thread(target=self._server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True).start()
        return self

    def __exit__(self, *_) -> None:
        self.stop()

    def stop(self) -> None:
        """No connection is accepted from now on."""
        self.release.set()
        if self._server is not None:
            self._server.shutdown()
            self._server.server_close()
            self._server = None

    def add(self, name: str, folder: Path, *, branch: str = "main", private: bool = False) -> str:
        """A repository, or a commit on one, with the files of a folder; returns the commit."""
        files = {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*") if p.is_file()}
        repository = self.repositories.setdefault(name, Repository(private=private))
        return repository.commit(branch, files)

    def fetched(self) -> list[str]:
        """Files whose bytes were asked for."""
        return [path.split("/", 5)[5] for method, path in self.requests if method == "GET" and "/resolve/" in path]


def _handler(hub: HubServer):
    class Handler(BaseHTTPRequestHandler):
        def log_message(self, *_):
            pass

        def do_GET(self):
            self.route()

        def do_HEAD(self):
            self.route()

        def do_POST(self):
            self.route()

        def route(self):
            path = unquote(urlsplit(self.path).path)
            hub.requests.append((self.command, path))
            length = int(self.headers.get("Content-Length") or 0)
            self.body = self.rfile.read(length) if length else b""
            if hub.faults:
                status, headers = hub.faults.pop(0)
                return self.answer(status, {"error": "later"}, headers)
            for pattern, answer in routes:
                if (match := re.fullmatch(pattern, path)) and answer.__name__.split("_")[0] in self.verbs():
                    return answer(self, **match.groupdict())
            self.error(404, "EntryNotFound", f"no route for {self.command} {path}")

        def verbs(self):
            return {"GET": {"get"}, "HEAD": {"get"}, "POST": {"post"}}[self.command]

        def error(self, status, code, message=""):
            message = message or code
            self.answer(status, {"error": message}, {"X-Error-Code": code, "X-Error-Message": message})

        def answer(self, status, value, headers=None):
            data = value if isinstance(value, bytes) else json.dumps(value).encode()
            headers = {"Content-Type": "application/json"} | (headers or {})
            status, data, headers = hub.mutate(status, data, headers)
            self.send_response(status)
            for key, text in ({"Content-Length": str(len(data))} | headers).items():
                self.send_header(key, text)
            self.end_headers()
            if self.command != "HEAD":
                with suppress(BrokenPipeError, ConnectionResetError):  # Clients may be killed.
                    self.wfile.write(data)

        def repository(self, name, *, write=False) -> Repository | None:
            """The repository if this request may see it; else None, and the answer was sent."""
            sent = self.headers.get("Authorization", "")
            if sent and sent != f"Bearer {TOKEN}":
                self.error(401, "", "Invalid credentials in Authorization header")
            elif write and not sent:
                self.error(401, "", "Invalid username or password.")
            elif name not in hub.repositories or (hub.repositories[name].private and not sent):
                # The Hub does not tell a stranger that a private repository exists.
                self.error(404 if sent else 401, "RepoNotFound", "Repository not found")
            else:
                return hub.repositories[name]
            return None

        def get_info(self, name, revision="main"):
            repository = self.repository(name)
            if repository is None:
                return
            if repository.files(revision) is None:
                return self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            sha = repository.branches.get(revision, revision)
            siblings = [{"rfilename": path} for path in repository.commits[sha]]
            self.answer(200, {"id": name, "sha": sha, "private": repository.private, "siblings": siblings})

        def get_tree(self, name, revision):
            repository = self.repository(name)
            if repository is None:
                return
            files = repository.files(revision)
            if files is None:
                return self.error(404, "RevisionNotFound", f"Invalid rev id: {revision}")
            listed = [
                {"type": "file", "path": path, "size": len(data), "oid": git_oid(data)}
                for path, data in files.items()
            ]  # fmt: skip
            if hub.endless is not None:
                link = f'<{hub.url}{urlsplit(self.path).path}?page={len(hub.requests)}>; rel="next"'
                return self.answer(200, hub.endless, {"Link": link})
            self.answer(200, listed if repository.listed is None else repository.listed)

        def post_paths(self, name, revision):
            """What mirrors ask the Hub for."""
            repository = self.repository(name)
            if repository is None:
                return
            text = self.body.decode()
            asked = json.loads(text)["paths"] if text.startswith("{") else parse_qs(text).get("paths", [])
            files = repository.files(revision) or {}
            self.answer(
                200,
                [
                    {"type": "file", "path": path, "size": len(files[path]), "oid": git_oid(files[path])}
                    for path in ([asked] if isinstance(asked, str) else asked)
                    if path in files
                ],
            )

        def get_file(self, name, revision, path):
            repository = self.repository(name)
            if repository is None:
                return
            files = repository.files(revision)
            if path in hub.stall and self.command == "GET":
                hub.release.wait()
            if files is None or path not in files:
                return self.error(404, "EntryNotFound", path)
            data = hub.replace.get(path, files[path])
            headers = {
                "ETag": f'"{git_oid(files[path])}"',
                "X-Repo-Commit": repository.branches.get(revision, revision),
                "Accept-Ranges": "bytes",
                "Content-Type": "application/octet-stream",
            }
            headers |= hub.headers
            wanted = self.headers.get("Range")
            status, start, end = 200, 0, len(data)
            if wanted and self.command == "GET":
                hub.ranges.setdefault(path, []).append(wanted)
                first, last = re.match(r"bytes=(\d+)-(\d*)", wanted).groups()
                status, start, end = 206, int(first), min(len(data), int(last or len(data)) + 1)
                headers["Content-Range"] = f"bytes {start}-{end - 1}/{len(data)}"
            if self.command == "GET" and path in hub.break_after:
                return self.break_off(status, headers, data[start:], hub.break_after.pop(path))
            if self.command == "GET" and path in hub.drip:
                return self.send_slowly(status, headers, data[start:], hub.drip[path])
            self.answer(status, data[start:end], headers)

        def break_off(self, status, headers, data, count):
            self.send_response(status)
            for key, text in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(key, text)
            self.end_headers()
            self.wfile.write(data[:count])
            self.wfile.flush()
            self.close_connection = True

        def send_slowly(self, status, headers, data, seconds):
            self.send_response(status)
            for key, text in (headers | {"Content-Length": str(len(data))}).items():
                self.send_header(key, text)
            self.end_headers()
            with suppress(BrokenPipeError, ConnectionResetError):
                for byte in data:
                    self.wfile.write(bytes([byte]))
                    self.wfile.flush()
                    if hub.release.wait(seconds):
                        break

        def post_create(self):
            asked = json.loads(self.body)
            name = f"{asked['organization']}/{asked['name']}"
            if self.headers.get("Authorization") != f"Bearer {TOKEN}":
                return self.error(401, "", "Invalid credentials in Authorization header")
            status = 409 if name in hub.repositories else 200
            if status == 200:
                hub.repositories[name] = Repository(private=asked.get("visibility") == "private")
                hub.repositories[name].commit("main", {".gitattributes": b"*.bin filter=lfs\n"})
            self.answer(status, {"url": f"{hub.url}/{name}", "error": "You already created this model repo"})

        def post_branch(self, name, revision):
            repository = self.repository(name, write=True)
            if repository is not None:
                status = 409 if revision in repository.branches else 200
                repository.branches.setdefault(revision, repository.branches["main"])
                self.answer(status, {"error": "Reference already exists"})

        def post_yaml(self):
            front = json.loads(self.body)["content"]
            errors = [] if front.startswith("---\n") else [{"message": "no front matter"}]
            self.answer(400 if errors else 200, {"errors": errors, "warnings": []})

        def post_preupload(self, name, revision):
            repository = self.repository(name, write=True)
            if repository is None:
                return
            have = repository.files(revision) or {}
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False,
                 "oid": git_oid(have[f["path"]]) if f["path"] in have else None}
                for f in json.loads(self.body)["files"]
            ]  # fmt: skip
            self.answer(200, {"files": files})

        def post_commit(self, name, revision):
            repository = self.repository(name, write=True)
            if repository is None:
                return
            lines = [json.loads(line) for line in self.body.splitlines()]
            parent = lines[0]["value"].get("parentCommit")
            if parent not in (None, repository.branches[revision]):
                return self.error(412, "", "the branch has moved")
            files = dict(repository.files(revision))
            for line in lines[1:]:
                value = line["value"]
                if line["key"] == "file":
                    files[value["path"]] = b64decode(value["content"])
                elif line["key"] == "deletedFile":
                    del files[value["path"]]
                else:
                    return self.error(400, "", f"unexpected {line['key']}")
            sha = repository.commit(revision, files)
            self.answer(200, {"commitUrl": f"{hub.url}/{name}/commit/{sha}", "commitOid": sha, "hookOutput": ""})

    name = r"(?P<name>[^/]+/[^/]+)"
    routes = [
        (r"/api/repos/create", Handler.post_create),
        (r"/api/validate-yaml", Handler.post_yaml),
        (rf"/api/models/{name}", Handler.get_info),
        (rf"/api/models/{name}/revision/(?P<revision>.+)", Handler.get_info),
        (rf"/api/models/{name}/tree/(?P<revision>[^/]+)/?", Handler.get_tree),
        (rf"/api/models/{name}/paths-info/(?P<revision>[^/]+)", Handler.post_paths),
        (rf"/api/models/{name}/branch/(?P<revision>.+)", Handler.post_branch),
        (rf"/api/models/{name}/preupload/(?P<revision>[^/]+)", Handler.post_preupload),
        (rf"/api/models/{name}/commit/(?P<revision>[^/]+)", Handler.post_commit),
        (rf"/{name}/resolve/(?P<revision>[^/]+)/(?P<path>.+)", Handler.get_file),
    ]
    return Handler
