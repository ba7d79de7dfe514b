from fastnst.styles.onnx_metadata import read_card


def test_a_card_is_read_without_the_net(many, negative, zoo, tmp_path):
    card = read_card(many)
    assert [style.name for style in card.styles] == ["alpha", "beta"]
    assert (card.strokes, card.identity, card.rows) == ((1.0, 2.0), True, 5)
    assert read_card(negative).name == "negative"
    assert read_card(zoo) is None
    assert read_card(tmp_path / "gone.onnx") is None


def test_a_file_cut_anywhere_or_of_noise_has_a_card_or_none(many, tmp_path):
    data = many.read_bytes()
    path = tmp_path / "a.onnx"
    for end in range(0, len(data), 7):
        path.write_bytes(data[:end])
        assert read_card(path) is None or end > len(data) - 7
    path.write_bytes(b"\xff" * 1000)
    assert read_card(path) is None
