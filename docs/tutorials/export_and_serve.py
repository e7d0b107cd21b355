# ---
# jupyter:
#   jupytext:
#     text_representation:
#       extension: .py
#       format_name: percent
# ---

# %% [markdown]
# # Export and serve
#
# A flow becomes a SavedModel, which needs only TensorFlow: here a server in a process of its own
# that never imports the library. It speaks the REST protocol of TensorFlow Serving, which takes the
# same folder as it is, and would take its place in production.

# %%
import json
import subprocess
import sys
import tempfile
import time
import urllib.request
from pathlib import Path

import numpy as np
from sklearn.datasets import load_digits

import zoo

flow = zoo.load("realnvp-digits")
folder = Path(tempfile.mkdtemp())
before = time.perf_counter()
flow.export(folder / "models" / "digits" / "1")
size = sum(path.stat().st_size for path in folder.rglob("*") if path.is_file()) / 2**20
print(f"exported in {time.perf_counter() - before:.0f} s, {size:.1f} MiB")

# %% [markdown]
# ## A server of only TensorFlow
#
# Every function of a flow is a named signature with named inputs, so that a few lines of the
# standard library are a server.

# %%
SERVER = """
import http.server, json, sys
import tensorflow as tf

signatures = tf.saved_model.load(sys.argv[1]).signatures


class Handler(http.server.BaseHTTPRequestHandler):
    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        call = signatures[body.get("signature_name", "serving_default")]
        kinds = call.structured_input_signature[1]
        inputs = {k: tf.constant(v, kinds[k].dtype) for k, v in body["inputs"].items()}
        outputs = {k: v.numpy().tolist() for k, v in call(**inputs).items()}
        answer = json.dumps({"outputs": outputs}).encode()
        self.send_response(200)
        self.end_headers()
        self.wfile.write(answer)

    def log_message(self, *args):
        pass


server = http.server.HTTPServer(("127.0.0.1", 0), Handler)
with_library = any(name.split(".")[0] == "zoo" for name in sys.modules)
print(server.server_port, with_library, flush=True)
server.serve_forever()
"""
model = folder / "models" / "digits" / "1"
command = [sys.executable, "-c", SERVER, str(model)]
process = subprocess.Popen(command, cwd=folder, stdout=subprocess.PIPE, text=True)
port, with_library = process.stdout.readline().split()
print(f"the server has imported the library: {with_library}")


# %% [markdown]
# ## A client


# %%
def ask(signature, **inputs):
    """The outputs of a signature, by HTTP, as arrays."""
    body = {"signature_name": signature, "inputs": inputs}
    address = f"http://127.0.0.1:{port}/v1/models/digits:predict"
    request = urllib.request.Request(address, json.dumps(body).encode(), method="POST")
    with urllib.request.urlopen(request, timeout=120) as answer:
        return {k: np.array(v) for k, v in json.load(answer)["outputs"].items()}


images = load_digits().images[:256, ..., None] + 0.5
served = ask("serving_default", x=images.tolist())["log_prob"]
here = flow.log_prob(images.astype("float32")).numpy()
difference = np.abs(served - here).max()
print(f"{len(served)} log-densities, mean {served.mean():.2f} nats")
print(f"they differ from the library's by {difference:.1e} nats at most")

drawn = ask("sample", n=4, seed=0, temperature=0.8)["sample"]
sample_difference = np.abs(drawn - flow.sample(4, seed=0, temperature=0.8).numpy()).max()
print(
    f"samples {drawn.shape} of the same seed differ by {sample_difference:.1e} grey levels at most"
)

# %% [markdown]
# ## How long a request takes

# %%
for count in (1, 256):
    rows, times = images[:count].tolist(), []
    for _ in range(10):
        before = time.perf_counter()
        ask("serving_default", x=rows)
        times.append(time.perf_counter() - before)
    print(f"{count:>3} images a request: median {1e3 * np.median(times):.1f} ms")
process.terminate()
_ = process.wait()

# %% [markdown]
# Much of that is JSON. Other ways to the same folder: `tf.saved_model.load` in Python, TensorFlow
# Serving over gRPC, and `zoo.load_exported`, which makes a `tfd.Distribution` of it again.
