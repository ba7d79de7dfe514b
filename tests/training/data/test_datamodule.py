import importlib.util
import pickle
from pathlib import Path

import pytest
import torch
from PIL import Image

from fastnst.errors import FastnstError
from fastnst.training.data.datamodule import PhotoDataModule
from fastnst.training.data.sources import open_source


@pytest.fixture(autouse=True)
def own_cache(tmp_path, monkeypatch):
    import datasets

    monkeypatch.setattr(datasets.config, "HF_DATASETS_CACHE", tmp_path / "cache")


def opened(folder, **options) -> PhotoDataModule:
    photos = PhotoDataModule(
        str(folder), **{"crop": 64, "batch_size": 2, "num_workers": 0, "levels": 1, **options}
    )
    photos.setup("fit")
    return photos


def batches(photos: PhotoDataModule, count: int):
    loader = iter(photos.train_dataloader())
    return [next(loader) for _ in range(count)]


def test_folders_are_searched_to_any_depth_whatever_their_names(tmp_path, make_photos):
    # The library takes folders called train and test for splits; here they are folders.
    for part in ("train", "test/deep/er", "Übung 1"):
        make_photos(tmp_path / "photos" / part, 4)
    photos = opened(tmp_path / "photos")
    assert len(photos.crops.rows) + len(photos.heldout) == 12


def test_batches_are_crops(tmp_path, make_photos):
    (batch,) = batches(opened(make_photos(tmp_path / "photos")), 1)
    assert batch.photos.shape == (2, 3, 64, 64)
    assert batch.photos.dtype == torch.uint8
    assert batch.skipped == {}


def test_the_same_seed_gives_the_same_crops_and_another_does_not(tmp_path, make_photos):
    folder = make_photos(tmp_path / "photos")
    first, again, other = (
        torch.cat([b.photos for b in batches(opened(folder, seed=seed), 6)]) for seed in (0, 0, 1)
    )
    assert torch.equal(first, again)
    assert not torch.equal(first, other)


def test_workers_do_not_change_the_crops(tmp_path, make_photos):
    folder = make_photos(tmp_path / "photos")
    alone, shared = (
        torch.cat([b.photos for b in batches(opened(folder, num_workers=n), 6)]) for n in (0, 2)
    )
    assert torch.equal(alone, shared)


def test_crops_survive_the_way_to_a_worker(tmp_path, make_photos):
    # Where processes are spawned and not forked (macOS, Windows) the set is pickled.
    crops = opened(make_photos(tmp_path / "photos")).crops
    assert torch.equal(pickle.loads(pickle.dumps(crops))[5][0], crops[5][0])


def test_crops_differ_from_epoch_to_epoch_and_each_photo_comes_once(tmp_path, make_photos):
    photos = opened(make_photos(tmp_path / "photos", 8), holdout=1, batch_size=1)
    seen = [[int(photos.crops.order(epoch)[i]) for i in range(7)] for epoch in (0, 1)]
    assert sorted(seen[0]) == sorted(seen[1])
    assert seen[0] != seen[1]
    assert not torch.equal(photos.crops[0][0], photos.crops[7][0])


def test_held_out_photos_are_never_trained_on(tmp_path, make_photos):
    photos = opened(make_photos(tmp_path / "photos", 12), holdout=3)
    assert len(photos.heldout) == 3
    assert len(photos.crops.rows) == 9


def test_broken_and_small_photos_are_skipped_and_counted(tmp_path, make_photos):
    folder = make_photos(tmp_path / "photos", 8)
    (folder / "broken.jpg").write_text("hello")
    (folder / "cut.jpg").write_bytes((folder / "000.jpg").read_bytes()[:300])
    Image.new("RGB", (63, 200)).save(folder / "small.png")
    photos = opened(folder, holdout=1)
    skipped = dict(photos.crops.skipped)
    for batch in batches(photos, 12):
        skipped.update(batch.skipped)
    reasons = {path.rsplit("/", 1)[1]: reason for path, reason in skipped.items()}
    expected = {"broken.jpg": "broken", "cut.jpg": "broken", "small.png": "smaller than 64 px"}
    held_out = {name for name in expected if name not in reasons}
    assert len(held_out) <= 1
    assert reasons == {name: why for name, why in expected.items() if name not in held_out}


def test_a_folder_without_a_usable_photo_says_why(tmp_path, make_photos):
    make_photos(tmp_path / "small", 5, (63, 200))
    with pytest.raises(
        FastnstError, match=r"None of the 4 photos tried can be used: 4 smaller than 64 px"
    ):
        opened(tmp_path / "small")
    (tmp_path / "empty").mkdir()
    with pytest.raises(FastnstError, match=r"There is no picture in the folder .*empty"):
        opened(tmp_path / "empty")
    with pytest.raises(FastnstError, match=r"There is no folder .*gone"):
        opened(tmp_path / "gone")


def test_names_with_brackets_and_archives_among_the_photos_do_no_harm(tmp_path, make_photos):
    folder = make_photos(tmp_path / "Photos [2023] *")
    (folder / "broken.zip").write_text("no archive")
    photos = opened(folder)
    assert len(photos.crops.rows) + len(photos.heldout) == 8


def test_a_single_photo_is_enough(tmp_path, make_photos):
    photos = opened(make_photos(tmp_path / "photos", 1))
    assert len(photos.heldout) == 1
    assert batches(photos, 2)[1].photos.shape == (2, 3, 64, 64)


@pytest.mark.parametrize(
    ("options", "text"),
    [
        ({"crop": 30}, "crop is 30; it must be a multiple of 4, 32 or more"),
        ({"batch_size": 0}, "batch_size is 0"),
        ({"holdout": 0}, "holdout 0"),
    ],
)
def test_numbers_out_of_range_are_refused(options, text):
    with pytest.raises(ValueError, match=text):
        PhotoDataModule("x", **options)


@pytest.fixture
def hub(tmp_path, make_photos):
    """A local repository in the hub's layout: parquet files with an `image` column."""
    import datasets

    folder = make_photos(tmp_path / "source", 10)
    table = datasets.Dataset.from_dict({"image": [str(p) for p in sorted(folder.iterdir())]})
    table = table.cast_column("image", datasets.Image())
    (tmp_path / "hub" / "data").mkdir(parents=True)
    for part in range(2):
        shard = table.shard(2, part)
        shard.to_parquet(str(tmp_path / "hub" / "data" / f"train-0000{part}-of-00002.parquet"))
    return tmp_path / "hub"


@pytest.mark.slow
def test_a_data_set_of_the_hub_is_streamed(hub):
    photos = opened(f"hf:{hub}", holdout=2)
    assert len(photos.heldout) == 2
    got = batches(photos, 8)  # 16 crops of 8 photos: two epochs.
    assert all(batch.photos.shape == (2, 3, 64, 64) for batch in got)


@pytest.mark.slow
@pytest.mark.parametrize("workers", [0, 2])
def test_a_streamed_set_is_seen_whole_but_for_the_held_out_photos(tmp_path, workers):
    import datasets

    count, shards = 24, 2
    (tmp_path / "hub" / "data").mkdir(parents=True)
    for shard in range(shards):
        numbers = range(shard, count, shards)
        pictures = [Image.new("RGB", (64, 64), (10 * number, 0, 0)) for number in numbers]
        table = datasets.Dataset.from_dict({"image": pictures})
        name = f"train-{shard:05d}-of-{shards:05d}.parquet"
        table.to_parquet(str(tmp_path / "hub" / "data" / name))
    photos = opened(f"hf:{tmp_path / 'hub'}", holdout=4, batch_size=1, num_workers=workers)

    def number(picture: torch.Tensor) -> int:
        return round(float(picture[..., 0, :, :].float().mean()) / 10)

    held_out = {number(photo) for photo in photos.heldout}
    seen = [number(batch.photos[0]) for batch in batches(photos, 40)]
    assert len(held_out) == 4
    assert set(seen) == set(range(count)) - held_out


def test_a_data_set_without_pictures_is_named(tmp_path):
    import datasets

    (tmp_path / "hub").mkdir()
    datasets.Dataset.from_dict({"text": ["a"]}).to_parquet(str(tmp_path / "hub" / "train.parquet"))
    with pytest.raises(FastnstError, match="has no column 'image', but: text"):
        opened(f"hf:{tmp_path / 'hub'}")


def test_no_network_is_one_sentence_that_names_the_way_out(monkeypatch):
    import datasets

    def offline(*_: object, **__: object) -> None:
        raise ConnectionError("Couldn't reach 'a/b' on the Hub (ConnectError)\nTraceback ...")

    monkeypatch.setattr(datasets, "load_dataset", offline)
    with pytest.raises(
        FastnstError, match=r"'a/b' could not be opened .* \(ConnectError\)\. .* --data FOLDER"
    ):
        opened("hf:a/b")


def test_a_data_set_of_the_hub_can_be_kept_and_is_then_exact(hub):
    photos = opened(f"hf:{hub}", holdout=2, streaming=False)
    assert photos.stream is None
    assert len(photos.crops.rows) == 8
    again = opened(f"hf:{hub}", holdout=2, streaming=False)
    assert torch.equal(photos.crops[5][0], again.crops[5][0])


def test_parquet_on_the_disk_is_a_table(hub):
    for source in (hub, hub / "data" / "train-00000-of-00002.parquet"):
        photos = opened(source, holdout=1)
        assert len(photos.crops.rows) == (9 if source == hub else 4)
        assert batches(photos, 1)[0].photos.shape == (2, 3, 64, 64)


@pytest.fixture
def tars(tmp_path, make_photos):
    """Two webdataset archives of 5 photos each."""
    import tarfile

    files = sorted(make_photos(tmp_path / "source", 10).iterdir())
    (tmp_path / "tars").mkdir()
    for part in range(2):
        with tarfile.open(tmp_path / "tars" / f"photos-{part}.tar", "w") as archive:
            for file in files[part::2]:
                archive.add(file, file.name)
    return tmp_path / "tars"


def test_webdataset_archives_are_streamed(tars):
    photos = opened(tars, holdout=2)
    assert photos.stream is not None
    assert len(photos.heldout) == 2
    assert all(batch.photos.shape == (2, 3, 64, 64) for batch in batches(photos, 6))


def test_a_damaged_shard_is_named(tmp_path):
    (tmp_path / "photos.parquet").write_text("hello")
    with pytest.raises(FastnstError, match=r"photos\.parquet can't be read as parquet: "):
        opened(tmp_path / "photos.parquet")


def test_a_folder_of_photos_needs_no_datasets(workdir, make_photos, monkeypatch):
    make_photos(workdir / "photos")
    found = importlib.util.find_spec
    monkeypatch.setattr(
        importlib.util, "find_spec", lambda name: None if name == "datasets" else found(name)
    )
    rows, stream = open_source("photos", streaming=True)
    assert not stream
    names = [Path(row["image"]["path"]).name for row in rows]
    assert names == sorted(path.name for path in (workdir / "photos").iterdir())
    (workdir / "empty").mkdir()
    with pytest.raises(FastnstError, match="There is no picture in the folder empty"):
        open_source("empty", streaming=True)
