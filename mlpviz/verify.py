"""The command `mlpviz verify receipt.json`: train a run again, and compare."""

from __future__ import annotations

import sys
from pathlib import Path

from mlpviz.datasets import load_dataset
from mlpviz.idx import DatasetError
from mlpviz.receipts import ACCURACY_BOUND, LOSS_BOUND, Comparison, Outcome, ReceiptError, check_receipt, read_receipt

WORDS = {Outcome.EQUAL: "equal, bit for bit", Outcome.CLOSE: "about equal", Outcome.DIFFERENT: "DIFFERENT"}


def verify(path: Path) -> int:
    """Check a receipt and print what comes out. Returns 0 if the run is the same, 1 if it is not, 2 if the receipt
    can't be checked."""
    try:
        content = read_receipt(path)
        print(f"Training the run of {path.name} again: {content['step']:,} steps.", flush=True)
        done = []
        for comparison in check_receipt(content, load_dataset(str(content["data"]["name"]))):
            done.append(comparison)
            print(_line(comparison, content["step"]), flush=True)
    except (ReceiptError, DatasetError, ValueError) as error:
        print(f"This receipt can't be checked. {error}", file=sys.stderr)
        return 2
    except (KeyError, TypeError, AttributeError):
        print("This receipt can't be checked: a part of it is missing.", file=sys.stderr)
        return 2
    except KeyboardInterrupt:
        print("Stopped. Nothing was verified.", file=sys.stderr)
        return 2
    print(conclusion(done, content["made with"]))
    return int(any(comparison.outcome == Outcome.DIFFERENT for comparison in done))


def conclusion(done: list[Comparison], made_with: dict[str, object]) -> str:
    """What came out, in sentences."""
    different = [comparison for comparison in done if comparison.outcome == Outcome.DIFFERENT]
    if different:
        first = different[0]
        before = [each.step for each in done if each.outcome != Outcome.DIFFERENT and each.step < first.step]
        since = f" The last step that agrees is {max(before):,}." if before else ""
        return f"NOT VERIFIED. The run differs from the receipt from step {first.step:,} on.{since}"
    if all(comparison.outcome == Outcome.EQUAL for comparison in done):
        return "VERIFIED. The run is equal to the receipt, bit for bit."
    return (
        f"VERIFIED WITHIN BOUNDS. The bits differ, as they do on another kind of processor or with another version of "
        f"PyTorch (the receipt: {made_with.get('processor')}, torch {made_with.get('torch')}). But each test accuracy "
        f"agrees within {100 * ACCURACY_BOUND:g} percentage points, and each test loss within {100 * LOSS_BOUND:g} %."
    )


def _line(comparison: Comparison, last: int) -> str:
    share = f"{100 * comparison.step / last:3.0f} %" if last else "100 %"
    text = f"{share}  step {comparison.step:,}, {comparison.what}: {WORDS[comparison.outcome]}"
    if comparison.outcome == Outcome.EQUAL or comparison.said is None or comparison.found is None:
        return text
    (loss, accuracy), (found_loss, found_accuracy) = comparison.said, comparison.found
    said = f"loss {loss:.4f}, accuracy {accuracy:.2%}"
    return f"{text}. Receipt: {said}. Now: loss {found_loss:.4f}, accuracy {found_accuracy:.2%}"
