#!/usr/bin/env python3
"""Tests the runner of the command-line tests: what it accepts, reports and updates."""

import pathlib
import subprocess
import sys
import tempfile
import unittest

RUNNER = pathlib.Path(__file__).resolve().parent / "run.py"


class Runner(unittest.TestCase):
    def setUp(self):
        self.directory = tempfile.TemporaryDirectory(prefix="nin-runner-")
        self.topic = pathlib.Path(self.directory.name) / "topic"
        self.topic.mkdir()

    def tearDown(self):
        self.directory.cleanup()

    def case(self, script, **expected):
        """Writes one case: its script and its expected files."""
        (self.topic / "case.sh").write_text(script)
        for kind, text in expected.items():
            (self.topic / f"case.sh.{kind}").write_text(text)

    def run_it(self, *options):
        """Runs the case with `true` for the program."""
        command = [sys.executable, str(RUNNER), "--nin", "/bin/true"]
        command += ["--root", self.directory.name, *options]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_passes(self):
        result = self.run_it()
        self.assertEqual(result.stdout, "passed  topic/case\n1 passed, 0 failed\n")
        self.assertEqual(result.returncode, 0)

    def assert_fails(self, *words, options=()):
        result = self.run_it(*options)
        self.assertIn("FAILED  topic/case\n", result.stdout)
        self.assertTrue(result.stdout.endswith("0 passed, 1 failed\n"), result.stdout)
        self.assertEqual(result.returncode, 1)
        for word in words:
            self.assertIn(word, result.stdout)

    def test_nothing_expected(self):
        self.case('"$NIN"')
        self.assert_passes()

    def test_output_and_exit(self):
        self.case("echo out; echo err >&2; exit 3", stdout="out\n", stderr="err\n", exit="3\n")
        self.assert_passes()

    def test_unexpected_output(self):
        self.case("echo out; echo err >&2")
        self.assert_fails("+out", "+err", "stdout expected")

    def test_wrong_exit(self):
        self.case("exit 2")
        self.assert_fails("exit expected", "-0", "+2")

    def test_first_failing_command_ends_the_script(self):
        self.case("false; echo reached", exit="1\n")
        self.assert_passes()

    def test_missing_newline(self):
        self.case("printf out", stdout="out\n")
        self.assert_fails("mind the end")

    def test_masks(self):
        self.case(
            "printf 'loss 0.25 at -1e-3\\na\\nb\\n\\ndone (x.y)\\n'",
            stdout="loss {NUMBER} at {NUMBER}\n{LINES}\ndone ({ANY})\n",
        )
        self.assert_passes()

    def test_number_is_not_any_text(self):
        self.case("echo loss nan", stdout="loss {NUMBER}\n")
        self.assert_fails("+loss nan")

    def test_any_stays_in_its_line(self):
        self.case("printf 'a\\nb\\n'", stdout="a{ANY}b\n")
        self.assert_fails()

    def test_other_text_is_literal(self):
        self.case("echo axb", stdout="a.b\n")
        self.assert_fails()

    def test_timeout_ends_everything(self):
        self.case("sleep 60 & wait")
        self.assert_fails("still running after 0.5 seconds", options=("--timeout", "0.5"))

    def test_environment_is_clean(self):
        self.case('echo "${NIN_DATA-unset} $(ls -A "$HOME" .)"', stdout="unset {ANY}\n{LINES}\n")
        self.assert_passes()

    def test_update_keeps_masks(self):
        self.case("printf 'at 7 s\\nnew\\n'; exit 4", stdout="at {NUMBER} s\nold\n", stderr="x\n")
        self.assertEqual(self.run_it("--update").returncode, 0)
        self.assertEqual((self.topic / "case.sh.stdout").read_text(), "at {NUMBER} s\nnew\n")
        self.assertEqual((self.topic / "case.sh.exit").read_text(), "4\n")
        self.assertFalse((self.topic / "case.sh.stderr").exists())
        self.assert_passes()

    def test_unknown_case(self):
        self.case("true")
        result = self.run_it("other")
        self.assertEqual(result.returncode, 1)
        self.assertIn("no topic or case other", result.stderr)


if __name__ == "__main__":
    unittest.main()
