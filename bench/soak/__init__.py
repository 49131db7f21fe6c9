"""A long mixed load of all doors against one server, which has to stay as small and as quick as it was.

    python -m bench soak --minutes 30 --rate 200

`asked` says what is sent, `steady` sends it on schedule, `visitors` come and go, `watching` looks at the process.
"""
