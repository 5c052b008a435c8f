"""A reader of a document, who runs its commands and snippets in order, in one folder, with Neutral installed."""

from __future__ import annotations

import contextlib
import doctest
import io
import os
import re
import shlex
import subprocess
import sys
import warnings
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from documents import Block, matches_output
from neutral.cli import main

PLAIN = re.compile(r"neutral (?!.*--plugin)([^|&;<>$*`\\]*?)( 2>&1)?( \|\| true)?")
"""A command that needs no shell: its words, whether its errors are shown, and whether it may fail.

Plug-ins stay in the process that loaded them, so such commands get one of their own.
"""


@dataclass
class Reader:
    """A reader in an empty folder beside the examples, with Neutral installed.

    Attributes:
        folder: The current folder.
        environment: The variables of the commands.
        names: What stands in for parts of the commands.
        in_process: Whether commands of Neutral, and Python, run in this process, which spares the imports.
    """

    folder: Path
    environment: dict[str, str]
    names: dict[str, str]
    in_process: bool = False
    scope: dict[str, Any] = field(default_factory=dict)
    snippets: list[str] = field(default_factory=list)

    def run(self, block: Block) -> None:
        if block.language == "python":
            (self.run_python_here if self.in_process else self.run_python)(block.text)
        else:
            for command, expected in block.commands():
                self.run_command(command, expected)

    def run_command(self, command: str, expected: str | None) -> None:
        for name, replacement in self.names.items():
            command = command.replace(name, replacement)
        plain = PLAIN.fullmatch(command) if self.in_process else None
        code, out, err = self._run_here(*plain.groups()) if plain else self._run_shell(command)
        assert code == 0, f"{command}\n{err}"
        if expected is not None:
            assert matches_output(out, expected), f"{command} printed\n{out}\nand the document shows\n{expected}"

    def _run_shell(self, command: str) -> tuple[int, str, str]:
        """Run a command in bash, in the folder to which earlier ones changed."""
        read, write = os.pipe()
        try:
            done = subprocess.run(
                ["bash", "-c", f"set -e\n{command}\npwd >&{write}"],
                cwd=self.folder,
                env=self.environment,
                capture_output=True,
                text=True,
                pass_fds=(write,),
            )
        finally:
            os.close(write)
        with os.fdopen(read) as file:
            self.folder = Path(file.read().strip() or self.folder)
        return done.returncode, done.stdout, done.stderr

    def _run_here(self, words: str, shows_errors: str | None, may_fail: str | None) -> tuple[int, str, str]:
        out = io.StringIO()
        err = out if shows_errors else io.StringIO()
        with self._as_a_program(), contextlib.redirect_stdout(out), contextlib.redirect_stderr(err):
            code = main(shlex.split(words, comments=True))
        return 0 if may_fail else code, out.getvalue(), err.getvalue()

    def run_python(self, text: str) -> None:
        """Run a snippet after the earlier ones, in one namespace and in the current folder of the commands."""
        self.snippets.append(text)
        source = "\n".join(self.snippets)
        done = subprocess.run(
            [sys.executable, "-c", source], cwd=self.folder, env=self.environment, capture_output=True, text=True
        )
        assert done.returncode == 0, f"{text}\n{done.stderr}"

    def run_python_here(self, text: str) -> None:
        """Run a snippet after the earlier ones; one with prompts has to print what is shown."""
        with self._as_a_program():
            if ">>>" not in text:
                exec(compile(text, "<snippet>", "exec"), self.scope)
                return
            test = doctest.DocTestParser().get_doctest(text, self.scope, "snippet", None, 0)
            failures = io.StringIO()
            runner = doctest.DocTestRunner(optionflags=doctest.ELLIPSIS)
            runner.run(test, out=failures.write, clear_globs=False)
            self.scope.update(test.globs)
            assert runner.summarize(verbose=False).failed == 0, failures.getvalue()

    @contextlib.contextmanager
    def _as_a_program(self) -> Any:
        """Run in the reader's folder, with modules of it importable and forgotten afterwards, and warnings as usual."""
        before, path, modules = Path.cwd(), list(sys.path), set(sys.modules)
        os.chdir(self.folder)
        sys.path.insert(0, str(self.folder))
        try:
            with warnings.catch_warnings():
                warnings.simplefilter("default")
                yield
        finally:
            os.chdir(before)
            sys.path[:] = path
            for name in set(sys.modules) - modules:
                file = getattr(sys.modules[name], "__file__", None)
                if file and Path(file).is_relative_to(self.folder):
                    del sys.modules[name]
