import pytest
import torch

from fastnst.errors import BadStyleFile, FastnstError
from fastnst.models import NetConfig, build_net, save_net
from fastnst.perceptual import LossTerms
from fastnst.styles.card import PaintingCredit, StyleCard
from fastnst.training.warm_start import choose_rows, find_weights, load_weights, predict_rows


def net(styles: int, *, identity: bool = False, width: int = 4):
    made = build_net(NetConfig("swift", width, 1, styles, identity))
    for norm in (m for m in made.modules() if hasattr(m, "folded") and hasattr(m, "weight")):
        torch.nn.init.normal_(norm.weight, 1.0, 0.3)
        torch.nn.init.normal_(norm.bias, 0.0, 0.3)
    return made


class Judge:
    """Style k wants the painting that the donor's row `wishes[k]` makes."""

    def __init__(self, donor, photos, wishes):
        rows = torch.eye(donor.config.styles)
        self.wanted = [donor(photos, rows[wish]).clamp(0, 255) for wish in wishes]

    def content_targets(self, photos):
        return {}

    def features(self, painted):
        return {"pixels": painted}

    def of_features(self, painted, features, targets, styles):
        apart = (features["pixels"] - self.wanted[styles[0]]).square().mean()
        return LossTerms(apart, apart * 0, apart * 0)


def test_each_new_style_starts_from_the_row_that_suits_it_best(tmp_path):
    torch.manual_seed(0)
    donor = net(4, identity=True)
    path = tmp_path / "gallery.safetensors"
    facts = StyleCard("a", (PaintingCredit(),), donor.config.as_dict(), 8, 32, steps=9)
    save_net(path, donor, facts)
    new = net(3, identity=True)
    before = new.head.norm.weight.clone()
    known, steps = load_weights(new, path)
    assert steps == 9
    assert torch.equal(new.head.conv.weight, donor.head.conv.weight)
    assert torch.equal(new.head.norm.weight, before)
    photos = torch.rand(2, 3, 32, 32) * 255
    with torch.no_grad():
        choose_rows(new, known, Judge(donor, photos, [2, 0]), photos)
    for ours, theirs in ((0, 2), (1, 0), (2, 3)):  # The last ones are the identity rows.
        assert torch.equal(new.head.norm.weight[ours], donor.head.norm.weight[theirs])
        assert torch.equal(
            new.blocks[0].second.norm.bias[ours], donor.blocks[0].second.norm.bias[theirs]
        )


def test_the_same_styles_start_from_everything(tmp_path):
    torch.manual_seed(0)
    donor, new = net(2), net(2)
    facts = StyleCard("a", (PaintingCredit(), PaintingCredit()), donor.config.as_dict(), 8, 32)
    save_net(tmp_path / "a.safetensors", donor, facts)
    assert load_weights(new, tmp_path / "a.safetensors")[0] is None
    for key, value in donor.state_dict().items():
        assert torch.equal(new.state_dict()[key], value)
    with pytest.raises(FastnstError, match=r"The net in .* is .*width=4.*width=8.* to be trained"):
        load_weights(net(2, width=8), tmp_path / "a.safetensors")


def test_what_can_not_be_started_from_is_named():
    with pytest.raises(FastnstError, match=r"There is no net 'gallery' to start from"):
        find_weights("gallery")
    with pytest.raises(BadStyleFile, match=r"gone\.safetensors can't be read"):
        load_weights(net(1), find_weights("gone.safetensors"))


def test_a_net_with_a_predictor_gives_each_new_style_its_prediction():
    torch.manual_seed(0)
    donor, new = (
        build_net(NetConfig("unet", 4, 1, rows, True, predicted, levels=2))
        for rows, predicted in ((5, 2), (5, 0))
    )
    torch.nn.init.normal_(donor.predictor.out.weight, 0.0, 0.1)
    described = list(torch.rand(2, 1920) * 50)
    predict_rows(new, donor, described)
    table, mean = new.table(), donor.table()[2:4]
    for number in range(2):
        offsets = donor.predictor(described[number])
        torch.testing.assert_close(table[2 * number : 2 * number + 2], mean + offsets)
    assert torch.equal(table[-1], donor.table()[-1])


@pytest.mark.parametrize("strokes", [1, 2])
def test_a_predictor_is_added_to_the_styles_that_a_net_has(tmp_path, strokes):
    torch.manual_seed(0)
    rows = 2 * strokes
    donor = net(rows + 1, identity=True)
    credits = (PaintingCredit(name="a"), PaintingCredit(name="b"))
    save_net(
        tmp_path / "a.safetensors",
        donor,
        StyleCard("a", credits, donor.config.as_dict(), 8, 32, steps=9),
    )
    new = build_net(NetConfig("swift", 4, 1, rows + 2, True, 1))
    assert load_weights(new, tmp_path / "a.safetensors", ["a", "b"]) == (None, 9)
    ours, theirs = new.table(), donor.table()
    assert torch.equal(ours[[*range(rows), rows + 1]], theirs)
    # Of several strokes the first is predicted.
    torch.testing.assert_close(ours[rows], theirs[:rows:strokes].mean(0))
