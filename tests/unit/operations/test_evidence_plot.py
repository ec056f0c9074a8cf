"""The evidence of a decision, drawn."""

import xml.etree.ElementTree as ET

from lignin.operations.evidence_plot import draw_evidence, spark


def test_bars_rise_with_the_evidence_and_are_full_where_it_is_enough() -> None:
    drawn = spark([1, 10, 100, 1000], 100)
    assert list(drawn) == sorted(drawn)
    assert drawn[0] not in "▁█"
    assert drawn[2:] == "██"
    assert spark([1e-9], 100) == "▁"
    assert len(spark([1.0] * 1000, 100)) == 60


def test_picture_is_well_formed_whatever_the_title() -> None:
    root = ET.fromstring(draw_evidence([2, 50, 200], 100, "a <b> & c"))
    [line] = root.iter("{http://www.w3.org/2000/svg}polyline")
    heights = [float(point.split(",")[1]) for point in line.attrib["points"].split()]
    assert heights == sorted(heights, reverse=True)
    assert len(heights) == 4
