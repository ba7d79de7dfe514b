from fastnst.optimization.pyramid import level_sizes


def test_sizes_double_up_to_the_picture_s():
    assert level_sizes((512, 512), 512, None) == [128, 256, 512]
    assert level_sizes((1024, 700), 1024, None) == [128, 256, 512, 1024]
    assert level_sizes((900, 200), 900, None) == [450, 900]  # 100 px on the shorter side.
    assert level_sizes((512, 512), 512, 1) == [512]
    assert level_sizes((4000, 3000), 1024, 2) == [512, 1024]
