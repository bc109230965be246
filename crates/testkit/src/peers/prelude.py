# Runs before every script. Answers have a channel of their own: what a library prints goes to standard error.
import json, os, sys, traceback

_answers = os.fdopen(os.dup(1), "w", encoding="utf-8", newline="\n")
os.dup2(2, 1)


def serve(operations):
    """Answers each request, one JSON object a line, with operations[request["op"]](request)."""
    for line in sys.stdin:
        try:
            request = json.loads(line)
            answer = json.dumps(operations[request["op"]](request), allow_nan=False)
        except Exception as error:
            traceback.print_exc()
            answer = json.dumps({"error": type(error).__name__ + ": " + str(error)})
        _answers.write(answer + "\n")
        _answers.flush()


