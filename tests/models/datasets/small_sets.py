"""Small data sets in the official formats."""

import numpy as np


def event(x, y, polarity, time):
    return bytes([x, y, polarity << 7 | time >> 16, time >> 8 & 255, time & 255])


def write_nmnist(folder, per_class=5):
    """A miniature N-MNIST: digit d has events in column d alone, ON in training and OFF in test."""
    for side, polarity in (("Train", 1), ("Test", 0)):
        for digit in range(10):
            place = folder / side / str(digit)
            place.mkdir(parents=True)
            for number in range(per_class):
                content = b"".join(event(digit, row, polarity, 1000 * row + number) for row in range(3))
                (place / f"{number:05}.bin").write_bytes(content)


def write_braille(folder, repetitions=5):
    """Recordings of 3 and 4 steps; three of four elements show the letter's digits to base 3."""
    folder.mkdir(parents=True)
    taxels, offsets, labels, times = [], [0], [], []
    for label in range(27):
        for repetition in range(repetitions):
            steps = 3 + repetition % 2
            values = np.full((steps, 4), 255, np.uint8)
            values[1:, 1:] = 255 - 60 * np.array([label // 9, label // 3 % 3, label % 3])
            taxels.append(values)
            offsets.append(offsets[-1] + steps)
            labels.append(label)
            times.append(repetition)
    np.savez(
        folder / "braille_letters.npz",
        taxel_data=np.concatenate(taxels),
        offsets=np.array(offsets),
        label=np.array(labels),
        repetition=np.array(times),
    )
