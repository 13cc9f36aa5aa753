# Runs a program for as long as the gateway lives. Usage: supervise.sh GRACE PROGRAM [ARGUMENT]...
#
# Standard input is a pipe whose other end only the gateway holds. Each line on it is the name of a signal for the
# program. When the pipe is closed, the gateway has ended in whatever way: the program gets SIGTERM, and SIGKILL if it
# still runs GRACE seconds later (immediately with 0). The exit code is the program's, or 128 + n after signal n.
grace=$1
shift

exec 3<&0 </dev/null
"$@" 3<&- &
program=$!

(
    while read -r signal <&3; do
        kill -"$signal" "$program" 2>/dev/null
    done
    exec 3<&-
    if [ "$grace" -gt 0 ]; then
        # Continued first, because a stopped program would not handle SIGTERM.
        kill -CONT "$program" 2>/dev/null
        kill -TERM "$program" 2>/dev/null
        timer=
        # SIGKILL, because a shell just forked for the timer would lose SIGTERM, and the wait would last for GRACE.
        trap 'kill -KILL "$timer" 2>/dev/null; wait "$timer" 2>/dev/null; exit' TERM
        sleep "$grace" >/dev/null 2>&1 &
        timer=$!
        wait "$timer"
    fi
    kill -KILL "$program" 2>/dev/null
) &
watcher=$!
exec 3<&-

# A signal sent to all processes of a machine must not end this shell before the program that it waits for.
trap 'kill -TERM "$program" 2>/dev/null' HUP INT TERM
while :; do
    wait "$program"
    status=$?
    # A trapped signal also ends the wait; a program that still runs (or is not reaped yet) is waited for again.
    kill -0 "$program" 2>/dev/null || break
done
# Reaped as well: if the gateway is a container's first process, no other process would do so.
kill -TERM "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
exit "$status"
