import sys
from pathlib import Path

import numpy as np
import pytest

from fastnst import StyleAugment
from fastnst.errors import FastnstError
from fastnst.runtime.batch.parquet import stylize_parquet
from fastnst.runtime.batch.stylize import stylize

pa = pytest.importorskip("pyarrow")
parquet = pytest.importorskip("pyarrow.parquet")

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="Ray's clusters are of Linux and macOS"),
    # Ray's threads and sockets outlive what started them.
    pytest.mark.filterwarnings("default"),
]
STRUCT = pa.struct([("bytes", pa.binary()), ("path", pa.string())])


@pytest.fixture
def augment(many):
    return StyleAugment(model=many, share=0.8, seed=5, column="photo")


@pytest.fixture
def files(workdir, make_photos):
    return sorted(make_photos(workdir / "set", 24).iterdir())


def write(path, files, type=STRUCT, group=5, name="photo"):
    """A table of images and labels in row groups of five."""
    data = [Path(file).read_bytes() for file in files]
    if type == STRUCT:
        data = [
            {"bytes": each, "path": Path(file).name} for each, file in zip(data, files, strict=True)
        ]
    path.parent.mkdir(parents=True, exist_ok=True)
    labels = pa.array(range(len(data)))
    table = pa.table({"label": labels, name: pa.array(data, type), "also": labels})
    parquet.write_table(table, path, row_group_size=group)


def tree(folder):
    return {p.relative_to(folder).as_posix(): p.read_bytes() for p in folder.rglob("*.parquet")}


def test_rows_hold_what_one_process_paints_and_a_job_goes_on(cluster, workdir, files, augment):
    write(workdir / "in" / "a.parquet", files[:12])
    write(workdir / "in" / "deep" / "b.parquet", files[12:], pa.binary())
    result = stylize_parquet("in", "out", augment=augment)
    assert (result.painted, result.kept, result.errors) == (24, 0, {})
    names = [f"a-{n:05d}.parquet" for n in range(3)] + [f"deep/b-{n:05d}.parquet" for n in range(3)]
    written = tree(workdir / "out")
    assert sorted(written) == names
    stylize(files, workdir / "files", style=augment)
    table = parquet.read_table(workdir / "out" / "a-00001.parquet")
    assert table.column_names == [
        "label", "photo", "also", "copy", "style", "strength", "stroke", "seed", "style_error",
    ]  # fmt: skip
    assert table.schema.field("photo").type == STRUCT
    for row in table.to_pylist():
        file = files[row["label"]]
        assert row["photo"] == {
            "bytes": (workdir / "files" / file.name).read_bytes(),
            "path": file.name,
        }
        assert (row["also"], row["copy"], row["seed"]) == (row["label"], "1", "5")
    plain = parquet.read_table(workdir / "out" / "deep" / "b-00000.parquet").to_pylist()
    assert plain[0]["photo"] == (workdir / "files" / files[12].name).read_bytes()
    # What a killed job left: some files, and a temporary one.
    before = (workdir / "out" / "a-00000.parquet").stat().st_mtime_ns
    (workdir / "out" / "a-00002.parquet").unlink()
    again = stylize_parquet("in", "out", augment=augment)
    assert (again.painted, again.kept) == (2, 22)
    assert tree(workdir / "out") == written
    assert (workdir / "out" / "a-00000.parquet").stat().st_mtime_ns == before


def test_copies_have_folders_and_bad_images_a_reason(cluster, workdir, files, augment):
    files[3].write_bytes(b"nothing")
    write(workdir / "a.parquet", files[:5])
    before = files[3].read_bytes()
    result = stylize_parquet("a.parquet", "out", augment=augment, copies=2)
    assert result.painted == 8
    assert [name.rpartition("/")[2] for name in result.errors] == [
        "a.parquet, row group 0, row 3"
    ] * 1
    tables = [parquet.read_table(workdir / "out" / f"copy-{n}" / "a-00000.parquet") for n in (1, 2)]
    for table in tables:
        row = table.to_pylist()[3]
        assert row["photo"]["bytes"] == before
        assert "is not a picture that can be read" in row["style_error"]
    first, second = (table["strength"].to_pylist() for table in tables)
    assert first != second


def test_ray_data_maps_batches_by_the_class(cluster, many):
    import ray

    photos = np.random.default_rng(0).integers(0, 256, (12, 40, 48, 3), dtype=np.uint8)
    options = {"model": str(many), "share": 0.7, "seed": 3}
    data = ray.data.from_items([{"id": n, "image": photo} for n, photo in enumerate(photos)])
    mapped = data.map_batches(
        StyleAugment, fn_constructor_kwargs=options, batch_size=5, batch_format="numpy",
        compute=ray.data.ActorPoolStrategy(size=1),
    )  # fmt: skip
    rows = sorted(mapped.take_all(), key=lambda row: row["id"])
    wanted = StyleAugment(**options)(photos)
    assert np.array_equal(np.stack([row["image"] for row in rows]), wanted)


def test_what_can_not_be_painted_is_said(cluster, workdir, files, augment):
    with pytest.raises(FastnstError, match=r"There is no parquet file at .*set\. Give one"):
        stylize_parquet("set", "out", augment=augment)
    write(workdir / "a.parquet", files[:2])
    with pytest.raises(FastnstError, match=r"has no column 'image'\. .*label, photo, also"):
        stylize_parquet("a.parquet", "out", augment=StyleAugment())
    with pytest.raises(
        FastnstError, match=r"The column 'label' of .* holds int64\. Encoded images"
    ):
        stylize_parquet("a.parquet", "out", augment=StyleAugment(column="label"))
    write(workdir / "b.parquet", files[:2], name="style")
    with pytest.raises(FastnstError, match=r"b\.parquet has columns named style\. Rename them"):
        stylize_parquet("b.parquet", "out", augment=StyleAugment(column="style"))
    (workdir / "c.parquet").write_bytes(b"PAR1 nothing")
    with pytest.raises(FastnstError, match=r"c\.parquet can't be read: "):
        stylize_parquet("c.parquet", "out", augment=augment)
