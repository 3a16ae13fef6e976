"""`kangma`: the operator's only door. Operators have no HTTP audience and read no health data."""

import sys


def main() -> None:
    """Run a command. Exit status 0 done, 1 refused with a sentence on standard error, 2 usage."""
    # The commands are imported here so that `import service.cli` stays free of their weight.
    from service.cli.commands import tree_for
    from service.cli.refusals import EXPECTED, sentence_of
    from service.kit import log
    from service.kit.audience import speak_for

    # Before any command: the log goes to standard error, and answers alone to standard output.
    log.configure()
    speak_for("operator")
    try:
        tree_for(sys.argv[1:])()
    except EXPECTED as refusal:
        sentence = sentence_of(refusal)
        print(f"{sentence.en} {sentence.zh}", file=sys.stderr)
        sys.exit(1)
