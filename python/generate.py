"""Makes rainbow_queue/protos from ../proto: `python generate.py`, with grpcio-tools 1.62.3 installed.

That version's code runs with every protobuf from 4.21 on; newer generators bind it to their own. The files are
staged under rainbow_queue/protos first, so that the modules import each other from there, whatever else is called
`rainbow`.
"""

import os
import re
import shutil
import sys
import tempfile

from grpc_tools import protoc

HERE = os.path.dirname(os.path.abspath(__file__))
PROTO = os.path.join(HERE, "..", "proto")
ROOT = "rainbow_queue/protos"
# Ours → the module that it becomes.
FILES = {
    "prototype/rainbow.proto": "rainbow.proto",
    "prototype/memory.proto": "memory.proto",
}
for name in sorted(os.listdir(os.path.join(PROTO, "rainbow", "v1"))):
    if name != "agent.proto":  # Agents are not written with this package.
        FILES["rainbow/v1/" + name] = "v1/" + name


def main(out: str) -> None:
    with tempfile.TemporaryDirectory() as staged:
        for source, target in FILES.items():
            with open(os.path.join(PROTO, source), encoding="utf-8") as file:
                text = re.sub(r'^import "rainbow/v1/', f'import "{ROOT}/v1/', file.read(), flags=re.MULTILINE)
            path = os.path.join(staged, ROOT, target)
            os.makedirs(os.path.dirname(path), exist_ok=True)
            with open(path, "w", encoding="utf-8") as file:
                file.write(text)
        made = os.path.join(staged, "made")
        os.makedirs(made)
        import grpc_tools

        include = os.path.join(os.path.dirname(grpc_tools.__file__), "_proto")
        outputs = [f"--{kind}_out={made}" for kind in ("python", "pyi", "grpc_python")]
        names = [f"{ROOT}/{target}" for target in FILES.values()]
        if protoc.main(["protoc", f"-I{staged}", f"-I{include}", *outputs, *names]) != 0:
            sys.exit("protoc failed")
        target = os.path.join(out, ROOT)
        shutil.rmtree(target, ignore_errors=True)
        shutil.copytree(os.path.join(made, ROOT), target)
    for folder in ("", "v1"):
        with open(os.path.join(target, folder, "__init__.py"), "w", encoding="utf-8") as file:
            file.write('"""Generated from the project\'s proto files by generate.py; never edited."""\n')


if __name__ == "__main__":
    main(sys.argv[1] if len(sys.argv) > 1 else HERE)
