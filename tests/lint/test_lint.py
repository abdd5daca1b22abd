#!/usr/bin/env python3
"""Tests that each check of tools/lint finds a planted violation, and lets good code pass."""

import pathlib
import shutil
import subprocess
import tempfile
import unittest

ROOT = pathlib.Path(__file__).resolve().parents[2]

GOOD = {
    "include/nin/base.h": (
        "#ifndef NIN_BASE_H\n#define NIN_BASE_H\n"
        '#define NIN_API __attribute__((visibility("default")))\n'
        "NIN_API int nin_one(void);\n#endif\n"
    ),
    "src/base/good.h": (
        "#ifndef NINP_BASE_GOOD_H\n#define NINP_BASE_GOOD_H\nint ninp_good(void);\n#endif\n"
    ),
    "src/base/good.c": (
        '#include "base/good.h"\n#include <nin/base.h>\n#include <stdlib.h>\n'
        "/* printf(); abort() */\n"
        'static const char *const names[] = {"exit(1)", "stdout"};\n'
        "int ninp_good(void) {\n"
        "    char **p = malloc(sizeof(char *));\n    free(p);\n"
        "    return names[0][0];\n}\n"
        "int nin_one(void) {\n    return ninp_good();\n}\n"
    ),
    "src/data/good.c": '#include "base/good.h"\n#include <nin/base.h>\n',
    "cli/main.c": "#include <nin/base.h>\nint main(void) {\n    return nin_one();\n}\n",
}


class Tree(unittest.TestCase):
    """A small source tree, made anew for each test."""

    def setUp(self):
        directory = tempfile.TemporaryDirectory(prefix="nin-lint-")
        self.addCleanup(directory.cleanup)
        self.root = pathlib.Path(directory.name)
        for name, text in GOOD.items():
            self.write(name, text)

    def write(self, name, text):
        path = self.root / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")

    def check(self, tool, *arguments):
        command = [str(ROOT / "tools" / tool), *arguments, str(self.root)]
        return subprocess.run(command, capture_output=True, text=True, check=False)

    def assert_good(self, result):
        self.assertEqual((result.returncode, result.stdout, result.stderr), (0, "", ""))

    def assert_finds(self, result, place, rule):
        """The check failed, and one line of its report has the place and the rule."""
        self.assertEqual(result.returncode, 1, result.stderr)
        self.assertTrue(
            any(line.startswith(place) and rule in line for line in result.stdout.splitlines()),
            result.stdout,
        )


class Includes(Tree):
    def finds(self, name, include, rule):
        self.write(name, f"\n#include {include}\n")
        self.assert_finds(self.check("check-includes"), f"{name}:2:", rule)

    def test_good(self):
        self.assert_good(self.check("check-includes"))

    def test_against_the_arrow(self):
        self.finds("src/base/bad.c", '"image/image.h"', "base must not include")

    def test_sideways(self):
        self.finds("src/net/bad.c", '"cpu/kernels.h"', "net must not include")

    def test_relative(self):
        self.finds("src/net/bad.c", '"../base/good.h"', "does not start at src/")

    def test_unknown_part(self):
        self.finds("src/new/bad.c", '"base/good.h"', "no known part")

    def test_program_looks_inside(self):
        self.finds("cli/bad.c", '"base/good.h"', "the program includes")

    def test_program_walks_inside(self):
        self.finds("cli/bad.c", '"../src/base/good.h"', "the program includes")

    def test_public_header(self):
        self.finds("include/nin/bad.h", '"base.h"', "a public header includes")


class Source(Tree):
    def finds(self, code, rule):
        self.write("src/base/bad.c", f"void ninp_bad(int n) {{\n    {code};\n}}\n")
        self.assert_finds(self.check("check-source"), "src/base/bad.c:2:", rule)

    def test_good(self):
        self.assert_good(self.check("check-source"))

    def test_printing(self):
        for code in ('printf("%d", n)', 'puts("x")', 'fprintf(stderr, "x")', "fflush(stdout)"):
            self.finds(code, "never prints")

    def test_ending(self):
        for code in ("exit(n)", "abort()", "_exit(n)"):
            self.finds(code, "never ends the program")

    def test_environment(self):
        for code in ('getenv("HOME")', 'setenv("A", "b", 1)'):
            self.finds(code, "environment")

    def test_products(self):
        for code in ("malloc(n * sizeof(int))", "malloc(sizeof(int) * n)", "realloc(p, 4 * n)"):
            self.finds(code, "multiplied without a check")

    def test_strings(self):
        for code in ("sprintf(p, q)", "strcpy(p, q)", "gets(p)"):
            self.finds(code, "without a bound")

    def test_random(self):
        for code in ("rand()", "srand(1)"):
            self.finds(code, "random numbers")

    def test_long_file(self):
        self.write("cli/long.c", "\n" * 601)
        self.assert_finds(self.check("check-source"), "cli/long.c:601:", "at most 600")

    def test_guard(self):
        self.write("src/base/bad.h", "/* x */\n#ifndef BAD_H\n#define BAD_H\n#endif\n")
        self.assert_finds(self.check("check-source"), "src/base/bad.h:2:", "include guard is BAD_H")


class Symbols(Tree):
    def build(self):
        """Builds libnin.a and libnin.so of the tree's src/."""
        sources = [str(path.relative_to(self.root)) for path in self.root.glob("src/**/*.c")]
        for command in (
            ["cc", "-g", "-fPIC", "-fvisibility=hidden", "-Iinclude", "-Isrc", "-c", *sources],
            ["sh", "-c", "ar rc libnin.a *.o && cc -shared -o libnin.so *.o"],
        ):
            subprocess.run(command, cwd=self.root, check=True)
        return self.check("check-symbols", str(self.root))

    def finds_state(self, code, name):
        self.write("src/base/bad.c", f"int *ninp_bad(void);\n{code}\n")
        self.assert_finds(self.build(), f"{self.root}/src/base/bad.c:2", name)

    def test_good(self):
        self.assert_good(self.build())

    def test_static(self):
        self.finds_state("static int counter; int *ninp_bad(void) { return &counter; }", "counter")

    def test_static_in_function(self):
        self.finds_state("int *ninp_bad(void) { static int calls = 3; return &calls; }", "calls")

    def test_pointers_that_can_change(self):
        self.finds_state(
            'static const char *words[] = {"a"}; int *ninp_bad(void) { return (int *)&words; }',
            "words",
        )

    def test_exported_and_not_public(self):
        self.write(
            "src/base/bad.c",
            '__attribute__((visibility("default"))) int ninp_bad(void) { return 0; }\n',
        )
        self.assert_finds(self.build(), "libnin.so:", "exported, but not public: ninp_bad")

    def test_declared_and_not_exported(self):
        self.write("include/nin/more.h", "#include <nin/base.h>\n\nNIN_API int nin_two(void);\n")
        self.assert_finds(
            self.build(), "include/nin/more.h:3:", "declared, but not exported: nin_two"
        )


class Clang(Tree):
    """The rules that clang's tools check, with the configuration of this tree."""

    def setUp(self):
        super().setUp()
        for name in (".clang-format", ".clang-tidy"):
            shutil.copy(ROOT / name, self.root)

    def tidy(self, code):
        self.write("src/base/bad.c", code)
        command = ["clang-tidy", "--quiet", "src/base/bad.c", "--", "-std=c17"]
        return subprocess.run(
            command, cwd=self.root, capture_output=True, text=True, check=False
        )

    def assert_tidy_finds(self, code, rule):
        result = self.tidy(code)
        self.assertNotEqual(result.returncode, 0)
        self.assertIn(rule, result.stdout)

    @unittest.skipUnless(shutil.which("clang-format"), "no clang-format here")
    def test_format(self):
        for name, passes in (("src/base/good.c", True), ("src/base/bad.c", False)):
            self.write("src/base/bad.c", "int  x( void ) {return 1 ;}\n")
            result = subprocess.run(
                ["clang-format", "--dry-run", "-Werror", name],
                cwd=self.root, capture_output=True, text=True, check=False,
            )
            self.assertEqual(result.returncode == 0, passes, result.stderr)

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
    def test_tidy_good(self):
        self.assertEqual(self.tidy("int f(void);\nint f(void) {\n    return 1;\n}\n").returncode, 0)

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
    def test_tidy_size(self):
        lines = "".join(f"    n += {i};\n" for i in range(61))
        self.assert_tidy_finds(f"int f(int n) {{\n{lines}    return n;\n}}\n", "function-size")

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
    def test_tidy_parameters(self):
        parameters = ", ".join(f"int p{i}" for i in range(8))
        self.assert_tidy_finds(f"int f({parameters}) {{\n    return p0;\n}}\n", "function-size")

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
    def test_tidy_complexity(self):
        body = "if (n) {" * 8 + "n++;" + "}" * 8
        self.assert_tidy_finds(f"int f(int n) {{\n{body}\nreturn n;\n}}\n", "cognitive-complexity")

    @unittest.skipUnless(shutil.which("clang-tidy"), "no clang-tidy here")
    def test_tidy_analyzer(self):
        self.assert_tidy_finds(
            "int f(int n) {\n    int *p = 0;\n    return n ? *p : 0;\n}\n", "clang-analyzer"
        )


if __name__ == "__main__":
    unittest.main()
