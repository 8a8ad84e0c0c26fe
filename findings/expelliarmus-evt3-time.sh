#!/usr/bin/env bash
# expelliarmus 1.1.12 (evt3 0.4.1, numpy 2.4.6, Python 3.11): EVT3 times are right only from its own save to its own
# read, and there only where events are dense. A time in EVT 3.0 is the last TIME_HIGH word (12 bits) followed by the
# TIME_LOW (12 bits), in microseconds. Wizard.save writes one TIME_HIGH, for the first event, and no other for up to 71
# minutes, as it looks for a change after a shift by 32 bits instead of 12; so any other program finds all events within
# 4.1 ms. Wizard.read adds 1 to TIME_HIGH whenever TIME_LOW falls. That makes up for what save left out, except at gaps
# of more than 4.1 ms, about which the file has nothing; and a file with a TIME_HIGH per 4.1 ms, as the format wants it
# and cameras write it, takes twice as long as it did if it is dense. x, y and polarity are right, and nothing is said.
# Guessed: the times saved are the times read, whatever they are, by expelliarmus and by all who follow the format.
# (Issues 19, a camera's file takes too long, and 20, other times after save, of open-neuromorphic/expelliarmus.)
# Helps: encoding="evt2" or "dat" for one's own files; another reader, such as evt3, for EVT3 files of a camera.
#
# Output seen (events at random times: how many have the time that they were given, for each of three readers; "the
# format" is a writer and a reader after Prophesee's description of it; in brackets the last time by expelliarmus):
#   1,000 in 4 ms, by expelliarmus, 1 TIME_HIGH: the format 1,000, evt3 1,000, expelliarmus 1,000 (last at 0.004 s)
#   1,000 in 4 ms, by the format, 1 TIME_HIGH: the format 1,000, evt3 1,000, expelliarmus 1,000 (last at 0.004 s)
#   200,000 in 1 s, by expelliarmus, 1 TIME_HIGH: the format 805, evt3 805, expelliarmus 200,000 (last at 1.000 s)
#   200,000 in 1 s, by the format, 245 TIME_HIGH: the format 200,000, evt3 200,000, expelliarmus 805 (last at 1.999 s)
#   1,000 in 10 s, by expelliarmus, 1 TIME_HIGH: the format 1, evt3 1, expelliarmus 1 (last at 1.877 s)
#   1,000 in 10 s, by the format, 808 TIME_HIGH: the format 1,000, evt3 1,000, expelliarmus 2 (last at 11.871 s)
set -euo pipefail
script=$(realpath "$0")
folder=$(mktemp -d)
trap 'rm -rf "$folder"' EXIT
cd "$folder"  # Where no file of yours stands before a module.
python3 -m venv "$folder/venv"
"$folder/venv/bin/pip" install -q expelliarmus==1.1.12 evt3==0.4.1 numpy==2.4.6
"$folder/venv/bin/python" -W ignore - > "$folder/output" <<'PYTHON'
import evt3
import numpy as np
from expelliarmus import Wizard

ADDR_Y, ADDR_X, TIME_LOW, TIME_HIGH = 0x0, 0x2, 0x6, 0x8  # A word is 4 bits of kind and 12 bits of value.
KIND = [("t", np.int64), ("x", np.int16), ("y", np.int16), ("p", np.uint8)]
random = np.random.default_rng(0)


def recording(count, microseconds):
    events = np.zeros(count, KIND)
    events["t"] = np.sort(random.integers(0, microseconds, count))
    for name, size in (("x", 640), ("y", 480), ("p", 2)):
        events[name] = random.integers(0, size, count)
    return events


def save_by_expelliarmus(events):
    Wizard(encoding="evt3").save(fpath="recording.raw", arr=events)


def save_by_format(events):
    words, state = [], {}
    for t, x, y, p in events.tolist():
        for kind, value in ((TIME_HIGH, t >> 12), (TIME_LOW, t & 0xFFF), (ADDR_Y, y)):
            if state.get(kind) != value:
                words.append(kind << 12 | value)
                state[kind] = value
        words.append(ADDR_X << 12 | p << 11 | x)
    with open("recording.raw", "wb") as file:
        file.write(b"% evt 3.0\n% geometry 640x480\n% end\n" + np.array(words, "<u2").tobytes())


def words_of_file():
    with open("recording.raw", "rb") as file:
        content = file.read()
    while content.startswith(b"%"):  # The lines of the header.
        content = content[content.index(b"\n") + 1 :]
    return [(word >> 12, word & 0xFFF) for word in np.frombuffer(content, "<u2").tolist()]


def read_by_format(words):
    high = t = y = 0
    events = []
    for kind, value in words:
        if kind == TIME_HIGH:
            high = value
        elif kind == TIME_LOW:
            t = high << 12 | value
        elif kind == ADDR_Y:
            y = value & 0x7FF
        elif kind == ADDR_X:
            events.append((t, value & 0x7FF, y, value >> 11))
    return np.array(events, KIND)


for count, microseconds, span in ((1000, 4096, "4 ms"), (200000, 10**6, "1 s"), (1000, 10**7, "10 s")):
    events = recording(count, microseconds)
    for writer, save in (("expelliarmus", save_by_expelliarmus), ("the format", save_by_format)):
        save(events)
        words = words_of_file()
        plain, theirs = read_by_format(words), Wizard(encoding="evt3").read("recording.raw")
        for name in ("x", "y", "p"):
            assert (plain[name] == events[name]).all() and (theirs[name] == events[name]).all()
        right = {"the format": plain["t"], "evt3": evt3.decode_file("recording.raw").t, "expelliarmus": theirs["t"]}
        print(
            f"{count:,} in {span}, by {writer}, {sum(kind == TIME_HIGH for kind, _ in words):,} TIME_HIGH:",
            ", ".join(f"{name} {(times == events['t']).sum():,}" for name, times in right.items()),
            f"(last at {theirs['t'][-1] / 1e6:.3f} s)",
        )
PYTHON
cat "$folder/output"
diff <(grep -A7 '^# Output seen' "$script" | tail -6 | cut -c5-) "$folder/output"
