# Sourced by tests that let system calls fail: sets $inject, the program that does it.
#
# What they run is the program before it was packed, the same one at the same addresses:
# unpacking has a test of its own (cli/start), and would be most of what some thousand starts take.

[ "$BUILD" = release ] || skip_all "system calls are counted in the shipped build"
inject=$OBJ/tests/fault/inject_peer
"$inject" write 1 EIO true 2>/dev/null || skip_all "processes may not be traced here"
for link in "$T/bin"/*; do
    ln -sf "$OBJ/letterbox.stripped" "$link"
done
