# On a terminal progress is one line that is drawn over, and the curves are drawn at the end; on a dumb
# one it is plain lines.
cat >on_terminal.py <<'END'
import os, pty, sys
output = b""
pid, terminal = pty.fork()
if pid == 0:
    os.execvp(sys.argv[1], sys.argv[1:])
while True:
    try:
        part = os.read(terminal, 65536)
    except OSError:
        break
    if not part:
        break
    output += part
code = os.waitstatus_to_exitcode(os.waitpid(pid, 0)[1])
print("exit", code)
print("drawn over:", b"\r\x1b[K" in output)
print("curves:", "⠤ train loss".encode() in output or b"train loss" in output)
print("braille:", any(0x2801 <= ord(c) <= 0x28ff for c in output.decode()))
print("result:", b"examples/sec on cpu\r\n" in output)
END
run() {
    rm -rf run
    python3 on_terminal.py "$NIN" train --model lenet --data drawn --limit 64 --batch 16 --epochs 2 \
        --threads 1 --out run "$@"
}
TERM=xterm run
TERM=xterm LC_ALL=C run
TERM=dumb run
TERM=xterm run -q
