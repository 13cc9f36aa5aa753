# Runs a program for as long as the gateway lives. Usage: supervise.sh GRACE PROGRAM [ARGUMENT]...
#
# Standard input is a pipe whose other end only the gateway holds. Each line on it is the name of a signal for the
# program; its end means that the gateway is gone, however it went: the program gets SIGTERM, and SIGKILL when it is
# still there GRACE seconds later (at once with 0). The exit code is the program's, 128 + n after signal n.
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
        # A stopped program would not see SIGTERM; SIGKILL it would.
        kill -CONT "$program" 2>/dev/null
        kill -TERM "$program" 2>/dev/null
        timer=
        # SIGKILL, because a shell that was just forked for it would lose SIGTERM, and the wait last for all of GRACE.
        trap 'kill -KILL "$timer" 2>/dev/null; wait "$timer" 2>/dev/null; exit' TERM
        sleep "$grace" >/dev/null 2>&1 &
        timer=$!
        wait "$timer"
    fi
    kill -KILL "$program" 2>/dev/null
) &
watcher=$!
exec 3<&-

# A signal meant for all of a machine's processes must not part the program from who waits for it.
trap 'kill -TERM "$program" 2>/dev/null' HUP INT TERM
while :; do
    wait "$program"
    status=$?
    # A trapped signal ends the wait too; a program that is still there (or not yet waited for) is waited for again.
    kill -0 "$program" 2>/dev/null || break
done
# Waited for as well: where the gateway is a container's first process, nobody else would.
kill -TERM "$watcher" 2>/dev/null
wait "$watcher" 2>/dev/null
exit "$status"
