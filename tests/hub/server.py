"""A small hub in a thread that speaks as much of Hugging Face's protocol as presets need."""

import base64
import contextlib
import hashlib
import http.server
import json
import re
import threading
import urllib.parse


class Hub:
    """Repositories in memory: `{repo: {revision: {file name: bytes}}}`.

    Attributes:
      repos: The repositories; an upload makes or changes "main".
      requests: "METHOD path" of each request, in order.
      cut: Number of bytes after which the next transfer of a large file breaks off, or `None`.
    """

    def __init__(self):
        self.repos, self.requests, self.cut = {}, [], None

    @contextlib.contextmanager
    def serve(self):
        """Yields the address while the hub answers."""
        handler = type("Handler", (_Handler,), {"hub": self})
        server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), handler)
        thread = threading.Thread(target=server.serve_forever, daemon=True)
        thread.start()
        try:
            yield f"http://127.0.0.1:{server.server_port}"
        finally:
            server.shutdown()
            server.server_close()
            thread.join()


def _commit(files):
    """A commit's 40 digits, from what it holds."""
    content = [(name, hashlib.sha256(data).hexdigest()) for name, data in sorted(files.items())]
    return hashlib.sha1(json.dumps(content).encode()).hexdigest()


class _Handler(http.server.BaseHTTPRequestHandler):
    hub = None
    protocol_version = "HTTP/1.1"

    def log_message(self, *_):
        pass

    def do_HEAD(self):
        self._get(body=False)

    def do_GET(self):
        self._get(body=True)

    def _get(self, body):
        path = urllib.parse.unquote(self.path.split("?")[0])
        self.hub.requests.append(f"{self.command} {path}")
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/(revision|tree)/([^/]+)", path):
            return self._describe(found[2], *self._files(found[1], found[3]))
        if found := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            files, error = self._files(found[1], found[2])
            return self._send_file(files, error, found[3], body)
        return self._fail("RepoNotFound")

    def _files(self, repo, revision):
        if repo not in self.hub.repos:
            return None, "RepoNotFound"
        revisions = self.hub.repos[repo]
        by_commit = {_commit(files): files for files in revisions.values()}
        files = revisions.get(revision, by_commit.get(revision))
        return files, None if files is not None else "RevisionNotFound"

    def _describe(self, what, files, error):
        if error:
            return self._fail(error)
        if what == "revision":
            siblings = [{"rfilename": name} for name in files]
            return self._json({"id": "user/repo", "sha": _commit(files), "siblings": siblings})
        return self._json(
            [
                {"type": "file", "path": n, "size": len(d), "oid": hashlib.sha1(d).hexdigest()}
                for n, d in files.items()
            ]
        )

    def _send_file(self, files, error, name, body):
        if error or name not in files:
            return self._fail(error or "EntryNotFound")
        data = files[name]
        start = int((self.headers.get("Range") or "bytes=0-")[6:].split("-")[0])
        part = data[start:]
        self.send_response(206 if "Range" in self.headers else 200)
        self.send_header("ETag", f'"{hashlib.sha1(data).hexdigest()}"')
        self.send_header("X-Repo-Commit", _commit(files))
        self.send_header("Accept-Ranges", "bytes")
        if "Range" in self.headers:
            self.send_header("Content-Range", f"bytes {start}-{len(data) - 1}/{len(data)}")
        self.send_header("Content-Length", str(len(part)))
        self.end_headers()
        if body:
            cut = self.hub.cut if len(data) > 4096 else None
            self.wfile.write(part[:cut])
            if cut is not None:
                self.hub.cut, self.close_connection = None, True

    def do_POST(self):
        path = urllib.parse.unquote(self.path.split("?")[0])
        self.hub.requests.append(f"POST {path}")
        sent = self.rfile.read(int(self.headers.get("Content-Length") or 0))
        if path == "/api/repos/create":
            asked = json.loads(sent)
            repo = f"{asked.get('organization') or 'user'}/{asked['name']}"
            self.hub.repos.setdefault(repo, {"main": {}})
            return self._json({"url": f"http://{self.headers['Host']}/{repo}", "name": repo})
        if path.endswith("/preupload/main"):
            files = [
                {"path": f["path"], "uploadMode": "regular", "shouldIgnore": False}
                for f in json.loads(sent)["files"]
            ]
            return self._json({"files": files})
        if found := re.fullmatch(r"/api/models/([^/]+/[^/]+)/commit/main", path):
            files = self.hub.repos[found[1]]["main"]
            for line in map(json.loads, sent.splitlines()):
                if line["key"] == "file":
                    files[line["value"]["path"]] = base64.b64decode(line["value"]["content"])
            url = f"http://{self.headers['Host']}/{found[1]}/commit/{_commit(files)}"
            return self._json({"commitUrl": url, "commitOid": _commit(files), "success": True})
        return self._json({"tags": []})

    def _json(self, value):
        data = json.dumps(value).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        self.send_header("Content-Length", str(len(data)))
        self.end_headers()
        self.wfile.write(data)

    def _fail(self, code):
        self.send_response(404)
        self.send_header("X-Error-Code", code)
        self.send_header("X-Error-Message", code)
        self.send_header("Content-Length", "0")
        self.end_headers()
