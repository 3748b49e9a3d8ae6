"""The examples of docs/python.md and README.md are programs, and run."""

import contextlib
import io
import json
import os
import re
import unittest

from server import WithServer, shell

HERE = os.path.dirname(os.path.abspath(__file__))
GUIDES = {
    "docs/python.md": os.path.join(HERE, "..", "..", "docs", "python.md"),
    "README.md": os.path.join(HERE, "..", "README.md"),
}


class Guide(WithServer):
    def run_blocks(self, name):
        with open(GUIDES[name], encoding="utf-8") as file:
            blocks = re.findall(r"^```python\n(.*?)^```$", file.read(), re.MULTILINE | re.DOTALL)
        self.assertGreater(len(blocks), 0)
        before = os.getcwd()
        self.addCleanup(os.chdir, before)
        os.chdir(self.server.folder)
        with open("train.yaml", "w") as file:
            json.dump(shell("echo trained"), file)
        said, names = io.StringIO(), {}
        with contextlib.redirect_stdout(said):
            for block in blocks:
                exec(compile(block, name, "exec"), names)
        if "rainbow" in names:
            names["rainbow"].close()
        return said.getvalue()

    def test_the_guide(self):
        said = self.run_blocks("docs/python.md")
        self.assertIn("completed 0 trained\n", said)
        self.assertIn("StateCount(state='completed', tasks=4)", said)
        self.assertIn("completed 0\n1\n2\n3\n", said)
        self.assertIn("point-3\npoint-4\ninvalid_input\n", said)
        self.assertIn("stdout trained\n", said)
        self.assertIn("['red'] []", said)
        self.assertIn("first red ", said)
        self.assertIn("not_found ", said)
        self.assertIn("['completed', 'completed', 'completed']", said)

    def test_the_readme(self):
        self.assertIn("trained\ncompleted 0", self.run_blocks("README.md"))


if __name__ == "__main__":
    unittest.main()
