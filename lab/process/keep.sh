#!/bin/sh
# keep.sh PROGRAM ARG…
# Runs a program, and runs it again a second after it ended, whatever its end was, as a host's service manager does. SIGTERM ends both.
stopping=
child=
trap 'stopping=1; test -z "$child" || kill -TERM "$child"' TERM INT
while [ -z "$stopping" ]; do
  "$@" &
  child=$!
  # A trap ends `wait` before the child has ended (POSIX, "wait"); then it is waited for again.
  wait "$child"
  status=$?
  while kill -0 "$child" 2> /dev/null; do
    wait "$child"
    status=$?
  done
  child=
  test -n "$stopping" || {
    echo "keep.sh: $1 ended with $status; starting it again"
    sleep 1
  }
done
