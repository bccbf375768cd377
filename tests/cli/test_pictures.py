"""`train --data folder`: any folder of pictures, and when to stop."""

from __future__ import annotations

import json
import shutil

import numpy as np
import pytest

from tinygrad_cnn.cli.card import Card


@pytest.fixture(autouse=True)
def image():
    return pytest.importorskip("PIL.Image", reason="needs Pillow")


def trained(said, root, *words):
    code, out, err = said("train", "--data", "folder", "--root", root, "--epochs", 1, "--json", *words)
    assert code == 0, err
    return json.loads(out)


def test_colours_are_kept_and_sizes_their_own(colours):
    config = json.loads((colours / "config.json").read_text())
    assert config["network"]["shape"] == [3, 12, 10]
    assert config["network"]["classes"] == ["blue", "green", "red"]
    page = (colours / "report.html").read_text(encoding="utf-8")
    assert "training: 42 images of 3 classes, 1.6 times as many of green, the most, as of blue, the fewest." in page
    assert "validation: 10 images of 3 classes" in page


@pytest.mark.parametrize(
    ("words", "shape"), [(["--grey", "--size", "8x16"], (1, 8, 16)), (["--size", "30"], (3, 30, 30))]
)
def test_sizes_and_grey(said, pictures, tmp_path, words, shape):
    result = trained(said, pictures, "--run", tmp_path / "a", *words)
    assert json.loads((tmp_path / "a" / "config.json").read_text())["network"]["shape"] == [*shape]
    assert result["model"] == ("lenet" if min(shape[1:]) >= 28 else "digits")


def test_grey_pictures_have_one_channel_and_large_ones_are_made_small(said, image, tmp_path):
    for name in ("dark", "light"):
        (tmp_path / "in" / name).mkdir(parents=True)
        for i in range(5):
            grey = np.full((80, 100), i + (name == "light") * 200, np.uint8)
            image.fromarray(grey).save(tmp_path / "in" / name / f"{i}.jpg")
    (tmp_path / "in" / ".ipynb_checkpoints").mkdir()
    trained(said, tmp_path / "in", "--run", tmp_path / "a")
    network = json.loads((tmp_path / "a" / "config.json").read_text())["network"]
    assert (network["shape"], network["classes"]) == ([1, 32, 32], ["dark", "light"])


def test_parts_in_folders_of_their_own(said, tmp_path, write_pictures):
    for part in ("train", "val", "test"):
        write_pictures(tmp_path / part, {"blue": (2, 4), "red": (0, 3 if part == "val" else 6)})
    result = trained(said, tmp_path, "--run", tmp_path / "a")
    assert "test_accuracy" in result
    rows = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    assert "val_loss" in rows[-1]
    _, out, _ = said("eval", tmp_path / "a", "--json")
    assert (json.loads(out)["images"], json.loads(out)["test_loss"]) == (10, result["test_loss"])
    result = trained(said, tmp_path / "train", "--val", tmp_path / "val")
    assert "val_accuracy" in result


@pytest.mark.slow
def test_patience_stops_and_takes_the_best(said, pictures, tmp_path):
    words = ["--epochs", 50, "--lr", 0.5, "--patience", 2, "--run", tmp_path / "a", "--seed", 3]
    result = trained(said, pictures, *words)
    rows = [json.loads(line) for line in (tmp_path / "a" / "metrics.jsonl").read_text().splitlines()]
    losses = [float(row["val_loss"]) for row in rows if "val_loss" in row]
    assert len(losses) == result["epochs"] < 50
    assert losses.index(min(losses)) == len(losses) - 3
    assert result["val_loss"] == min(losses)
    again = json.loads(said("eval", tmp_path / "a", "--json")[1])
    assert again["val_loss"] == min(losses)
    assert again["network"].endswith("best.tgc")
    code, out, _ = said("train", "--resume", tmp_path / "a")
    assert (code, f", weights of epoch {len(losses) - 2}" in out) == (0, True)


def test_threads_open_the_same_pictures(said, pictures):
    results = [trained(said, pictures, "--workers", n, "--limit", 30)["val_loss"] for n in (0, 2)]
    assert results[0] == results[1]


def test_pictures_that_have_changed_are_not_gone_on_with(said, colours, pictures, tmp_path):
    moved = tmp_path / "pictures"
    shutil.copytree(pictures, moved)
    trained(said, moved, "--run", tmp_path / "a")
    (moved / "red" / "3.png").unlink()
    code, _, err = said("train", "--resume", tmp_path / "a")
    assert code == 2
    assert "begun with other images than there are now" in err


def test_mistakes(said, pictures, image, tmp_path, write_pictures):
    broken = tmp_path / "broken"
    shutil.copytree(pictures, broken)
    (broken / "red" / "3.png").write_bytes(b"no")
    (tmp_path / "one" / "only").mkdir(parents=True)
    image.new("L", (9, 9)).save(tmp_path / "one" / "only" / "1.png")
    (tmp_path / "empty").mkdir()
    write_pictures(tmp_path / "others", {"green": (1, 2), "yellow": (0, 2)})
    for words, message in [
        (["--root", broken], "red/3.png: not a picture that can be read"),
        (["--root", tmp_path / "none"], "none is no folder"),
        (["--root", tmp_path / "one"], "has the one class 'only'"),
        (["--root", tmp_path / "empty"], "couldn't find any class folder"),
        (["--root", pictures, "--val", tmp_path / "others"], "there is no class 'yellow' to train on"),
        (["--root", pictures, "--val", "2"], "--val: 2 is neither a share between 0 and 1 nor a folder"),
        (["--root", pictures, "--model", "lenet", "--size", 8], "too small"),
        (["--root", pictures, "--size", "0"], "--size"),
        (["--root", pictures, "--model", "resnet18", "--grey"], "resnet18 does not take images of 1x12x10"),
        (["--root", pictures, "--model", "resnet18", "--limit", 40, "--val", 0.02, "--batch-size", 36], "--batch-size"),
        ([], "--data folder: say which with --root DIR"),
    ]:
        code, out, err = said("train", "--data", "folder", *words)
        assert (code, out, len(err.splitlines())) == (2, "", 1), words
        assert message in err


def test_a_picture_is_read_as_it_is_meant(image, tmp_path):
    """16 bits a pixel, colours of a palette, and what a camera says of up and down."""
    card = Card("mlp", (1, 2, 2), ["a", "b"], [0.0], [1.0], {})
    deep = np.array([[0, 65535], [32768, 257]], np.uint16)
    image.fromarray(deep).save(tmp_path / "deep.png")
    np.testing.assert_allclose(card.picture(tmp_path / "deep.png")[0], [[0, 1], [0.5, 1 / 255]], atol=0.003)
    turned = image.fromarray(np.array([[0, 255], [0, 0]], np.uint8))
    exif = turned.getexif()
    exif[0x112] = 3  # upside down
    turned.save(tmp_path / "turned.png", exif=exif)
    assert card.picture(tmp_path / "turned.png").tolist() == [[[0, 0], [1, 0]]]
    image.fromarray(np.array([[0, 255], [0, 0]], np.uint8)).convert("P").save(tmp_path / "palette.gif")
    assert card.picture(tmp_path / "palette.gif").tolist() == [[[0, 1], [0, 0]]]
