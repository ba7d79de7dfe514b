from fastnst.sharing.model_card import model_card
from fastnst.styles.card import PaintingCredit, StyleCard

CREDIT = PaintingCredit(
    title="Waves | *big*", artist="A <b>", year=1831, licence="public domain", name="a"
)
CARD = StyleCard(
    "my_style",
    (CREDIT, PaintingCredit(name="b")),
    {"name": "swift", "styles": 5},
    8,
    32,
    steps=900,
    training_set="COCO",
)


def test_the_page_has_the_facts_and_no_markup_of_strangers():
    figures = {
        "a": {"sizes": [{"size": 512, "views_style": 1.2345, "flicker": None}]},
        "steps": 900,
    }
    page = model_card(
        "u/n", "n.onnx", CARD, sample="s.png", evaluation=figures, licence="cc-by-4.0"
    )
    assert page.splitlines()[:10] == [
        "---", "library_name: fastnst", "pipeline_tag: image-to-image", "license: cc-by-4.0", "tags:",
        "- style-transfer", "- neural-style-transfer", "- onnx", "- fastnst", "---",
    ]  # fmt: skip
    assert "| a | Waves \\| \\*big\\* | A &lt;b\\> | 1831 | public domain |" in page
    assert "| b |  |  |  |  |" in page
    assert "# my\\_style\n" in page
    assert (
        "fastnst stylize photo.jpg --style hf:u/n\n"
        "fastnst stylize photo.jpg --model hf:u/n --style b\nfastnst styles --add hf:u/n\n"
    ) in page
    assert "![Photos and their stylized results](s.png)" in page
    assert "| style | size in px | style |\n| --- | --- | --- |\n| a | 512 | 1.23 |" in page
    assert "multiples of 8 and at least 32" in page


def test_what_is_not_known_is_left_out():
    page = model_card("u/n", "n.onnx", CARD, sample="", evaluation={})
    assert "license" not in page
    one = StyleCard("one", (CREDIT,), CARD.net, 8, 32)
    assert "--model" not in model_card("u/n", "n.onnx", one, sample="", evaluation={})
    assert "![" not in page
    assert "Figures" not in page
