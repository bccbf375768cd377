"""`eval`, `predict` and `export`: what a training has left is all that they need."""

from __future__ import annotations

import json

import numpy as np
import pytest

import tinygrad_cnn as tg
from tinygrad_cnn.checkpoint import load_metadata


@pytest.mark.parametrize("name", ["w.tgc", "w.safetensors", "checkpoint", "run"])
def test_the_figure_of_the_run(said, tmp_path, name):
    if name.endswith("safetensors"):
        pytest.importorskip("safetensors")
    option = {"checkpoint": "--checkpoint", "run": "--run"}.get(name, "--save")
    _, out, _ = said("train", "--epochs", 2, "--limit", 300, "--json", option, tmp_path / name)
    result = json.loads(out)
    code, out, _ = said("eval", tmp_path / name, "--json")
    found = json.loads(out)
    assert code == 0
    assert {key: found[key] for key in ("test_accuracy", "test_loss")} == {
        key: result[key] for key in ("test_accuracy", "test_loss")
    }
    assert found["images"] == 355
    code, out, _ = said("eval", tmp_path / name)
    assert out.startswith(f"test accuracy {result['test_accuracy']:.2%} (")


def test_pictures_of_the_run_and_others(said, colours, pictures, tmp_path, write_pictures):
    last = json.loads((colours / "metrics.jsonl").read_text().splitlines()[-1])
    for words in ([], ["--data", "folder", "--root", pictures]):
        found = json.loads(said("eval", colours, *words, "--json")[1])
        assert (found["val_loss"], found["images"]) == (last["val_loss"], 10)
    write_pictures(tmp_path / "in", {"red": (0, 5)})
    found = json.loads(said("eval", colours, "--root", tmp_path / "in", "--json")[1])
    assert found["images"] == 5
    write_pictures(tmp_path / "other", {"yellow": (0, 1)})
    assert "no class 'yellow'" in said("eval", colours, "--root", tmp_path / "other")[2]
    code, _, err = said("eval", colours, "--data", "digits")
    assert code == 2
    assert "its images are 1x8x8" in err
    assert "takes 3x12x10" in err


def test_predict(said, colours, pictures, tmp_path):
    images = [pictures / "red" / "0.png", pictures / "green" / "1.png", pictures / "blue" / "2.png"]
    code, out, err = said("predict", *images, "--run", colours)
    head, *lines = out.splitlines()
    assert (code, err) == (0, "")
    assert head.split() == ["image", "label", "probability", "or"]
    assert [line.split()[1] for line in lines] == ["red", "green", "blue"]
    code, out, _ = said("predict", *images, "--run", colours, "--json", "--top", 2)
    for answer, image in zip(json.loads(out)["predictions"], images, strict=True):
        assert (answer["image"], answer["label"]) == (str(image), image.parent.name)
        assert answer["top"][0]["label"] == answer["label"]
        assert len(answer["top"]) == 2
        assert 0.5 < answer["probability"] == answer["top"][0]["probability"] <= 1


def test_a_picture_of_another_kind_is_made_to_fit(said, colours, tmp_path):
    image = pytest.importorskip("PIL.Image")
    pixels = np.zeros((300, 200, 4), np.uint8)
    pixels[..., 0], pixels[..., 3] = 250, 255
    image.fromarray(pixels).save(tmp_path / "large.webp")
    code, out, _ = said("predict", tmp_path / "large.webp", "--run", colours, "--json")
    assert (code, json.loads(out)["predictions"][0]["label"]) == (0, "red")


def test_pictures_that_cannot_be_read_are_named_and_the_others_answered(said, colours, pictures, tmp_path):
    good, bad = pictures / "red" / "0.png", tmp_path / "bad.png"
    bad.write_bytes(good.read_bytes()[:200])
    words = [bad, tmp_path / "none.png", tmp_path, good]
    code, out, err = said("predict", *words, "--run", colours, "--json")
    found = json.loads(out)
    assert code == 2
    assert [answer["label"] for answer in found["predictions"]] == ["red"]
    assert [error["image"] for error in found["errors"]] == [str(w) for w in words[:3]]
    assert len(err.splitlines()) == 3
    assert "bad.png: not a picture that can be read" in err
    assert "none.png: there is no such file" in err
    assert said("predict", bad, "--run", colours)[:2] == (2, "")


@pytest.mark.parametrize("ending", ["tgc", "safetensors", "npz"])
def test_exported_weights_are_the_same_network(said, colours, pictures, tmp_path, ending):
    if ending == "safetensors":
        pytest.importorskip("safetensors")
    file = tmp_path / f"w.{ending}"
    code, out, _ = said("export", colours, "-o", file, "--json")
    assert (code, json.loads(out)["bytes"]) == (0, file.stat().st_size)
    assert str(pictures) not in file.read_bytes().decode("latin1")  # what is given away does not tell of this machine
    answers = [
        json.loads(said("predict", pictures / "red" / "1.png", *words, "--json")[1])["predictions"]
        for words in (["--run", colours], ["--weights", file])
    ]
    assert answers[0] == answers[1]
    if ending == "npz":
        with np.load(file) as arrays:
            assert "0.weight" in arrays.files
            assert all(arrays[name].dtype == np.float32 for name in arrays.files)
    else:
        assert "tinygrad_cnn" in load_metadata(file)
        tg.vision.models.get_model("digits", input_shape=(3, 12, 10), num_classes=3).load_state_dict(tg.load(file))


def test_exported_to_onnx_others_run_it(said, colours, pictures, tmp_path):
    onnx = pytest.importorskip("onnx")
    from tinygrad_cnn.cli.saved import read

    assert said("export", colours, "-o", tmp_path / "m.onnx")[0] == 0
    model = onnx.load(tmp_path / "m.onnx")
    onnx.checker.check_model(model, full_check=True)
    (entry,) = model.metadata_props
    assert json.loads(entry.value)["classes"] == ["blue", "green", "red"]
    runtime = pytest.importorskip("onnxruntime")
    session = runtime.InferenceSession(tmp_path / "m.onnx", providers=["CPUExecutionProvider"])
    saved = read(str(colours))
    images = np.stack([saved.card.picture(pictures / name / "0.png") for name in ("red", "green", "blue")])
    with tg.no_grad():
        expected = saved.model(tg.from_numpy(images)).numpy()
    np.testing.assert_allclose(session.run(None, {"images": images})[0], expected, 1e-4, 1e-5)


def test_mistakes(said, colours, tmp_path):
    tg.save({"w": tg.ones(1)}, tmp_path / "other.tgc")
    tg.save([1], tmp_path / "list.tgc")
    (tmp_path / "damaged.tgc").write_bytes(b"no")
    (tmp_path / "bad.npz").write_bytes(b"no")
    tg.save({"w": tg.ones(1)}, tmp_path / "odd.tgc", metadata={"tinygrad_cnn": '{"model": 3}'})
    endless = '{"model": "mlp", "shape": [1, Infinity, 2], "classes": [], "mean": [0], "std": [1], "data": {}}'
    tg.save({"w": tg.ones(1)}, tmp_path / "endless.tgc", metadata={"tinygrad_cnn": endless})
    for words, message in [
        (["eval", tmp_path / "endless.tgc"], "endless.tgc is damaged where it says"),
        (["eval", tmp_path / "none"], "No such file"),
        (["eval", tmp_path], "no folder of a run"),
        (["eval", tmp_path / "other.tgc"], "does not say what network its weights are of"),
        (["eval", tmp_path / "list.tgc"], "list.tgc holds a list"),
        (["eval", tmp_path / "damaged.tgc"], "damaged.tgc"),
        (["eval", tmp_path / "bad.npz"], "bad.npz"),
        (["eval", tmp_path / "odd.tgc"], "odd.tgc is damaged where it says"),
        (["eval", colours, "--data", "mnist", "--root", tmp_path], "missing"),
        (["predict", "x.png"], "--run --weights is required"),
        (["export", colours, "-o", tmp_path / "x.pt"], "should end in one of .tgc, .safetensors, .npz, .onnx"),
        (["export", colours, "-o", tmp_path / "none" / "x.npz"], "there is no directory"),
        (["export", colours], "-o"),
    ]:
        code, out, err = said(*words)
        assert (code, out, len(err.splitlines())) == (2, "", 1), (words, err)
        assert message in err
