import multiprocessing
import os
import pickle
import shutil
import subprocess
import sys

import numpy as np
import pytest
from PIL import Image

from fastnst import StyleAugment, Stylizer
from fastnst.errors import FastnstError, UnknownStyle
from fastnst.styles.registry import find_gallery, list_styles

PHOTOS = np.random.default_rng(0).integers(0, 256, (6, 40, 48, 3), dtype=np.uint8)


def painted_by(augment, photos=PHOTOS):
    """Work of a process of its own."""
    return [augment(photo) for photo in photos]


@pytest.fixture
def augment(many):
    return StyleAugment(model=many, share=0.7, seed=3)


@pytest.fixture
def expected(augment, many):
    """Each photo as a `Stylizer` paints it in the style that is drawn."""
    stylizer, results = Stylizer(model=many, device="cpu", threads=1), []
    for photo in PHOTOS:
        drawn = augment.draw(photo)
        results.append(photo if drawn is None else stylizer(photo, drawn[1]))
    changed = [not np.array_equal(one, photo) for one, photo in zip(results, PHOTOS, strict=True)]
    assert 0 < sum(changed) < len(PHOTOS)
    return np.stack(results)


def test_a_batch_of_arrays_mixes_styles(augment, expected):
    assert np.array_equal(augment(PHOTOS), expected)
    drawn = [found[1] for photo in PHOTOS if (found := augment.draw(photo))]
    assert len(set(drawn)) == len(drawn) > 2


def test_an_array_alone_in_a_list_and_in_any_order_is_painted_the_same(augment, expected):
    assert np.array_equal(painted_by(augment), expected)
    assert np.array_equal(augment(list(PHOTOS[::-1])), expected[::-1])
    assert isinstance(augment(tuple(PHOTOS)), tuple)


def test_pillow_images_come_back_as_such(augment, expected):
    for photo, wanted in zip(PHOTOS, expected, strict=True):
        result = augment(Image.fromarray(photo))
        assert (result.mode, result.size) == ("RGB", (48, 40))
        assert np.array_equal(result, wanted)
    grey = Image.fromarray(PHOTOS[0]).convert("L")
    assert augment(grey).mode == "L"


def test_tensors_come_back_as_such(augment, expected):
    torch = pytest.importorskip("torch")
    batch = torch.from_numpy(PHOTOS).permute(0, 3, 1, 2)
    wanted = torch.from_numpy(expected).permute(0, 3, 1, 2)
    assert torch.equal(augment(batch), wanted)
    assert all(torch.equal(augment(one), two) for one, two in zip(batch, wanted, strict=True))


def test_pictures_of_many_sizes_and_kinds_share_a_list(augment):
    small, large = PHOTOS[0, :20], PHOTOS[1]
    given = [small, Image.fromarray(large), PHOTOS[:2], small]
    results = augment(given)
    assert np.array_equal(results[0], augment(small))
    assert np.array_equal(results[1], augment(large))
    assert np.array_equal(results[2], augment(PHOTOS[:2]))
    ragged = np.empty(2, object)
    ragged[:] = [small, large]
    result = augment(ragged)
    assert (result.dtype, [one.shape for one in result]) == (object, [small.shape, large.shape])
    assert np.array_equal(result[1], augment(large))


def test_an_epoch_draws_anew_and_the_same_when_it_comes_again(augment):
    first = augment(PHOTOS)
    augment.set_epoch(1)
    assert not np.array_equal(augment(PHOTOS), first)
    augment.set_epoch(0)
    assert np.array_equal(augment(PHOTOS), first)


def test_columns_stay_beside_the_painted_one(augment, expected):
    batch = {"label": [3, 1, 4, 1, 5, 9], "image": PHOTOS, "mask": PHOTOS[..., 0]}
    result = augment(batch)
    assert list(result) == ["label", "image", "mask"]
    assert np.array_equal(result["image"], expected)
    assert result["label"] is batch["label"]
    assert result["mask"] is batch["mask"]
    with pytest.raises(
        FastnstError, match=r"The batch has no column 'image', but img, label\. Name"
    ):
        augment({"img": PHOTOS, "label": 1})


def test_a_column_of_keys_decides_in_place_of_the_content(many):
    augment = StyleAugment(model=many, key="id", column="photo", share=1)
    same = np.stack([PHOTOS[0]] * 3)
    a, b, c = augment({"photo": same, "id": ["a", "b", "a"]})["photo"]
    assert np.array_equal(a, c)
    assert not np.array_equal(a, b)
    assert np.array_equal(augment({"photo": same[0], "id": "b"})["photo"], b)
    numbered = augment({"photo": same, "id": np.array([1, 2, 3])})["photo"]
    assert np.array_equal(augment({"photo": same[:1], "id": [1]})["photo"], numbered[:1])


def test_datasets_are_mapped(augment, expected, tmp_path):
    datasets = pytest.importorskip("datasets")
    columns = {"image": [Image.fromarray(photo) for photo in PHOTOS], "label": list(range(6))}
    features = datasets.Features({"image": datasets.Image(), "label": datasets.Value("int64")})
    data = datasets.Dataset.from_dict(columns, features)
    for options in ({"batched": True, "batch_size": 4}, {"batched": False}):
        mapped = data.map(
            augment, **options, cache_file_name=str(tmp_path / f"{len(options)}.arrow")
        )
        assert mapped.features == features
        assert np.array_equal(np.stack([np.asarray(image) for image in mapped["image"]]), expected)
        assert list(mapped["label"]) == list(range(6))
    data.set_transform(augment)
    assert np.array_equal(np.asarray(data[1]["image"]), expected[1])


def test_it_has_the_same_fingerprint_after_it_painted(augment):
    before = pickle.dumps(augment)
    augment(PHOTOS)
    assert pickle.dumps(augment) == before


@pytest.mark.slow
def test_spawned_processes_paint_the_same(augment, expected):
    augment(PHOTOS)
    with multiprocessing.get_context("spawn").Pool(2) as pool:
        halves = pool.starmap(painted_by, [(augment, PHOTOS[:3]), (augment, PHOTOS[3:])])
    assert np.array_equal([one for half in halves for one in half], expected)


FORKED = """
import multiprocessing, sys
import numpy as np
from fastnst import StyleAugment
from fastnst.runtime.batch.augment import _threads

augment = StyleAugment(model=sys.argv[1], share=0.7, seed=3)
photos = np.load(sys.argv[2])
expected = augment(photos)  # In sessions of many threads, which no fork may touch.
assert _threads() is None

def paint(photo):
    assert _threads() == 1
    return augment(photo)

with multiprocessing.get_context("fork").Pool(4) as pool:
    assert np.array_equal(pool.map(paint, photos, chunksize=1), expected)
"""
LOADED = """
import sys
import numpy as np
import torch
from fastnst import StyleAugment

class Data(torch.utils.data.Dataset):
    def __init__(self):
        self.photos = torch.from_numpy(np.load(sys.argv[2])).permute(0, 3, 1, 2)
        self.transform = StyleAugment(model=sys.argv[1], share=0.7, seed=3)

    def __len__(self):
        return len(self.photos)

    def __getitem__(self, number):
        return self.transform(self.photos[number])

data = Data()
for epoch in range(2):
    data.transform.set_epoch(epoch)
    passes = []
    for workers in (0, 1, 4):
        loader = torch.utils.data.DataLoader(data, batch_size=2, num_workers=workers)
        passes.append(torch.cat(list(loader)))
    assert all(torch.equal(one, passes[0]) for one in passes)
    assert torch.equal(passes[0], data.transform(data.photos))
"""


@pytest.mark.slow
@pytest.mark.skipif(sys.platform == "win32", reason="no fork")
@pytest.mark.parametrize(("code", "needs"), [(FORKED, "numpy"), (LOADED, "torch")])
def test_forked_processes_and_workers_of_a_loader_paint_the_same(tmp_path, many, code, needs):
    pytest.importorskip(needs)
    np.save(tmp_path / "photos.npy", PHOTOS)
    words = [sys.executable, "-c", code, many, tmp_path / "photos.npy"]
    environment = {**os.environ}
    environment.pop("OMP_NUM_THREADS", None)
    done = subprocess.run(words, capture_output=True, text=True, timeout=120, env=environment)
    assert done.returncode == 0, done.stderr


def test_styles_of_names_and_files_are_drawn_alike(many, negative, tmp_path, monkeypatch):
    shutil.copy(many, tmp_path)
    monkeypatch.setenv("FASTNST_STYLES", str(tmp_path))
    augment = StyleAugment(["alpha", "alpha:0.5,beta:0.5", str(many)], share=1, strength=1)
    painted = {found[1].style: found[0] for photo in PHOTOS if (found := augment.draw(photo))}
    assert painted.keys() == {"alpha", "alpha:0.5,beta:0.5", None}
    assert painted["alpha"].path == tmp_path / "many.onnx"
    assert painted[None].path == many
    only = StyleAugment(negative, share=1, strength=1)
    assert np.array_equal(only(PHOTOS), 255 - PHOTOS)


def test_random_styles_are_those_that_ship(astronaut):
    augment = StyleAugment(share=1)
    stylizer, mix = augment.draw(PHOTOS[0])
    assert stylizer.path == find_gallery(fast=True) == list_styles(fast=True)["the-scream"]
    assert set(mix.shares(stylizer.styles)) <= set(stylizer.styles)
    slow, _ = StyleAugment(share=1, fast=False).draw(PHOTOS[0])
    assert slow.path == find_gallery() == list_styles()["the-scream"]


def test_blends_of_a_folder_of_paintings_are_drawn_and_painted(workdir, make_photos):
    make_photos(workdir / "paintings", 4)
    augment = StyleAugment("paintings", share=1, seed=1)
    stylizer = Stylizer(model=find_gallery(fast=True), device="cpu", threads=1)
    expected, drawn = [], []
    for photo in PHOTOS:
        mix = augment.draw(photo)[1]
        expected.append(stylizer(photo, mix))
        drawn.append(mix.shares(stylizer.styles))
    assert {len(shares) for shares in drawn} == {1, 2, 3}
    assert {os.path.dirname(name) for shares in drawn for name in shares} == {
        str(workdir / "paintings")
    }
    assert len({np.asarray(photo).tobytes() for photo in expected}) == len(PHOTOS)
    assert np.array_equal(augment(PHOTOS), expected)
    again = pickle.loads(pickle.dumps(augment))
    assert np.array_equal(again(PHOTOS[::-1]), expected[::-1])
    augment.set_epoch(1)
    assert augment.draw(PHOTOS[0])[1] != again.draw(PHOTOS[0])[1]


def test_geometry_stays_so_masks_stay_right(astronaut):
    """Painted edges lie where the photo's do: shifted by 2 px in any direction they fit less well."""
    with Image.open(astronaut) as image:
        photo = np.asarray(image.convert("RGB").resize((192, 160)))

    def edges(pixels):
        down, across = np.gradient(np.asarray(Image.fromarray(pixels).convert("L"), float))
        return np.hypot(down, across)

    augment, wanted = StyleAugment(share=1, strength=(0.3, 1.0)), edges(photo)
    for epoch in range(4):
        augment.set_epoch(epoch)
        found = edges(augment(photo))
        fits = {
            (dy, dx): np.corrcoef(wanted.ravel(), np.roll(found, (dy, dx), (0, 1)).ravel())[0, 1]
            for dy in (-2, 0, 2)
            for dx in (-2, 0, 2)
        }
        assert max(fits, key=fits.get) == (0, 0), fits


def test_what_can_not_be_done_is_said_before_anything_is_painted(many, negative, zoo):
    with pytest.raises(UnknownStyle, match="no style 'gamma'"):
        StyleAugment(["alpha", "gamma"], many)
    with pytest.raises(UnknownStyle, match=r"There is no style 'nothing-like-it'"):
        StyleAugment("nothing-like-it")
    with pytest.raises(FastnstError, match=r"negative\.onnx has one strength"):
        StyleAugment(model=negative)
    with pytest.raises(FastnstError, match="No style was given"):
        StyleAugment([])
    with pytest.raises(FastnstError, match=r"zoo\.onnx paints at 224x224 px only.* keeps the size"):
        StyleAugment(model=zoo, strength=1, share=1)(PHOTOS[0])


def test_a_worker_has_one_thread_and_an_environment_its_own(monkeypatch, many):
    monkeypatch.setenv("OMP_NUM_THREADS", "3")
    stylizer, _ = StyleAugment(model=many, share=1).draw(PHOTOS[0])
    assert stylizer.spec.threads == 3
    stylizer, _ = StyleAugment(model=many, share=1, threads=2).draw(PHOTOS[0])
    assert stylizer.spec.threads == 2
