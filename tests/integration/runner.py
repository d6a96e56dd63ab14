# Copyright: (c) 2026, the meshops.asm authors
# GNU General Public License v3.0+ (see LICENSE or https://www.gnu.org/licenses/gpl-3.0.txt)
# SPDX-License-Identifier: GPL-3.0-or-later
"""Runs the collection as Ansible would: modules and playbooks as processes of their own."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from pathlib import Path
from typing import Any

from .forkserver import Child, ForkServer
from .labs import Lab

ROOT = Path(__file__).resolve().parents[2]
_MODULES = "ansible_collections.meshops.asm.plugins.modules"
_ERROR_KEYS = {"code", "message", "request_id", "http_status"}
#: Nothing here waits longer on its own account than the modules' own limits allow.
_SECONDS = 300.0

Result = dict[str, Any]


class Running:
    """A module that has been started."""

    def __init__(self, module: str, child: Child, secrets: list[str]) -> None:
        self.pid = child.pid
        self._module = module
        self._child = child
        self._secrets = secrets

    @property
    def ended(self) -> bool:
        return self._child.wait(0)

    def kill(self) -> None:
        """SIGKILL, as a machine that goes down would."""
        self._child.kill()

    def result(self) -> Result:
        """What the module returned; asserts that it is well-formed and holds no secret."""
        if not self._child.wait(_SECONDS):
            self.kill()
            raise AssertionError(f"{self._module} did not end within {_SECONDS:.0f} s: {self._child.read()}")
        output, errors = self._child.read()
        for secret in self._secrets:
            assert secret not in output + errors, f"{self._module} tells a secret"
        assert not errors, f"{self._module} printed on stderr:\n{errors}"
        result: Result = json.loads(output.strip().splitlines()[-1])
        assert "exception" not in result, f"{self._module} crashed:\n{result['exception']}"
        assert "no_log" not in str(result.get("warnings")), result["warnings"]
        return result


class Runner:
    """Runs modules and playbooks against one lab, in an environment that holds nothing else."""

    def __init__(self, lab: Lab, folder: Path) -> None:
        self.lab = lab
        self.folder = folder
        collections = folder / "collections"
        link = collections / "ansible_collections" / "meshops" / "asm"
        link.parent.mkdir(parents=True)
        link.symlink_to(ROOT)
        home = folder / "home"
        home.mkdir()
        credentials = lab.control.environment()
        self.secrets = [credentials["ALIBABA_CLOUD_ACCESS_KEY_SECRET"]]
        self.environment = {
            "PATH": os.pathsep.join([str(Path(sys.executable).parent), os.environ["PATH"]]),
            "HOME": str(home),
            "LANG": "C.UTF-8",
            "PYTHONPATH": str(collections),
            "PYTHONDONTWRITEBYTECODE": os.environ.get("PYTHONDONTWRITEBYTECODE", ""),
            # The credential chain must not go looking for an instance's metadata in the network.
            "ALIBABA_CLOUD_ECS_METADATA_DISABLED": "true",
            "ANSIBLE_COLLECTIONS_PATH": str(collections),
            "ANSIBLE_HOME": str(home / ".ansible"),
            "ANSIBLE_LOCALHOST_WARNING": "False",
            "ANSIBLE_INVENTORY_UNPARSED_WARNING": "False",
            "ANSIBLE_NOCOWS": "1",
            "ANSIBLE_FORCE_COLOR": "0",
            **credentials,
        }
        streams = folder / "streams"
        streams.mkdir(mode=0o700)
        self._server = ForkServer(streams, self.environment)

    def start(
        self, module: str, *, check: bool = False, env: dict[str, str | None] | None = None, **args: Any
    ) -> Running:
        """Starts a module and returns at once. ``env`` overrides variables; None takes one away."""
        internal = {"_ansible_check_mode": check, "_ansible_diff": True}
        arguments = json.dumps({"ANSIBLE_MODULE_ARGS": {**args, **internal}})
        return Running(module, self._server.start(f"{_MODULES}.{module}", arguments, self._with(env)), self.secrets)

    def close(self) -> None:
        """Ends the helper process."""
        self._server.close()

    def __call__(self, module: str, **args: Any) -> Result:
        """Runs a module (arguments of ``start``) that must succeed."""
        result = self.start(module, **args).result()
        assert not result.get("failed"), f"{module} failed: {result['msg']}"
        return result

    def refused(self, module: str, *words: str, **args: Any) -> Result:
        """Runs a module that must fail with one message that holds all ``words``; nothing may have been written."""
        with self.lab.unwritten():
            result = self.failing(module, *words, **args)
        assert result["changed"] is False
        return result

    def failing(self, module: str, *words: str, **args: Any) -> Result:
        """Runs a module that must fail with one message that holds all ``words``, and with the key ``error``."""
        return judge_failure(self.start(module, **args).result(), *words)

    def converge(self, module: str, **args: Any) -> Result:
        """Runs a module that has something to do: predicted, done, and nothing left to do. Returns what it did.

        Asserts that check mode writes nothing and shows the diff of the real run, and that a second run writes nothing.
        """
        with self.lab.unwritten():
            predicted = self(module, check=True, **args)
        assert predicted["changed"] is True
        assert predicted["diff"]["before"] != predicted["diff"]["after"]
        done = self(module, **args)
        assert done["changed"] is True
        assert done["diff"] == predicted["diff"]
        with self.lab.unwritten():
            again = self(module, **args)
        assert again["changed"] is False
        assert again["diff"]["before"] == again["diff"]["after"]
        return done

    def settled(self, module: str, **args: Any) -> Result:
        """Runs a module that has nothing to do, and asserts that it does nothing, in check mode neither."""
        with self.lab.unwritten():
            again = self(module, **args)
            predicted = self(module, check=True, **args)
        for result in (again, predicted):
            assert result["changed"] is False
            assert result["diff"]["before"] == result["diff"]["after"]
        return again

    def ansible(self, *words: str, cwd: Path | None = None, env: dict[str, str | None] | None = None) -> Played:
        """One command line of Ansible, such as ("ansible-playbook", "meshops.asm.site", "-e", "@mesh.yml")."""
        done = subprocess.run(
            words, cwd=cwd or self.folder, env=self._with(env), capture_output=True, text=True, check=False,
            timeout=_SECONDS,
        )  # fmt: skip
        return Played(done.returncode, done.stdout, done.stderr)

    def play(self, playbook: str, *words: str, cwd: Path | None = None, **variables: Any) -> Played:
        """A playbook by name, or by its text (then it is written to a file first)."""
        if "\n" in playbook:
            file = self.folder / "play.yml"
            file.write_text(playbook, encoding="utf-8")
            playbook = str(file)
        given = ["-e", json.dumps(variables)] if variables else []
        return self.ansible("ansible-playbook", playbook, *words, *given, cwd=cwd)

    def _with(self, env: dict[str, str | None] | None) -> dict[str, str]:
        merged = {**self.environment, **(env or {})}
        return {key: value for key, value in merged.items() if value is not None}


class Played:
    """What a command line of Ansible did."""

    def __init__(self, code: int, output: str, errors: str) -> None:
        self.code = code
        self.output = output
        self.errors = errors

    @property
    def recap(self) -> dict[str, int]:
        """The counts of localhost in the recap: ok, changed, failed, ..."""
        (line,) = [line for line in self.output.splitlines() if line.startswith("localhost ")]
        return {key: int(value) for key, value in (word.split("=") for word in line.split(":", 1)[1].split())}

    def ok(self) -> Played:
        """Itself; asserts that it succeeded."""
        assert self.code == 0, f"ended with {self.code}\n{self.output[-6000:]}\n{self.errors[-2000:]}"
        return self


def judge_failure(result: Result, *words: str) -> Result:
    """The result of a module; asserts that it failed, with one clear message that holds ``words``."""
    assert result.get("failed"), f"should have failed: {str(result)[:500]}"
    message = result["msg"]
    missing = [word for word in words if word not in message]
    assert not missing, f"the message does not say {missing}: {message}"
    assert "Traceback" not in message
    assert set(result["error"]) == _ERROR_KEYS, f"no error details beside: {message}"
    assert result["error"]["code"]
    assert result["error"]["message"] == message
    return result
