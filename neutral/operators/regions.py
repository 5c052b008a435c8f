"""Regions of images, and pooling over them where each bin has channels of its own or the region is turned."""

from __future__ import annotations

from neutral.operators.catalogue import Attribute, Operator

_SCALE = Attribute("spatial_scale", "float", "From the regions' coordinates to the map's.")
_SIZE = Attribute("output_size", "int", "Rows, and columns, of bins.")
_CHANNELS = Attribute("output_channels", "int", "Channels of the output.")
_GROUPS = Attribute("group_size", "int", "Rows, and columns, of the groups of channels.")
_CORNERS = (
    "A region is a row (image, x1, y1, x2, y2) of the second input. Its coordinates are rounded, halves away from zero; 1 "
    "is added to x2 and y2, and all are multiplied by spatial_scale. It is at least 0.1 high and wide, and divided into "
    "output_size*output_size equal bins."
)
_GROUP = (
    "Channel c of the output takes, in bin (i, j), channel (c*group_size + floor(i*group_size/output_size))*group_size + "
    "floor(j*group_size/output_size) of the map."
)
_OUTPUT = "The output is (regions, output_channels, output_size, output_size)."

OPERATORS = (
    Operator(
        "region_proposals",
        "Regions of images that may hold an object. The inputs are scores (N, 2*A, H, W), of which the last A channels "
        "are those of A anchors at each position, deltas (N, 4*A, H, W), and images with rows (height, width, scale). The "
        "anchors of row i and column j are the given ones moved by (j*stride, i*stride). If corner_deltas, the deltas are "
        "added to the corners x1, y1, x2, y2; else, with the width w = x2 - x1 + 1 of the anchor and its middle x1 + "
        "(w - 1)/2, the box's middle is delta 0 times w + middle, its width e^(delta 2) times w, and x1 and x2 lie (width "
        "- 1)/2 on both sides; rows likewise with deltas 1 and 3. They are brought between 0 and the image's width or "
        "height - 1. The score of a position becomes -1 in rows from trunc(height/stride) and columns from "
        "trunc(width/stride) on; and a box whose x2 - x1 + 1 or y2 - y1 + 1 is less than min_size*scale grows by half of "
        "that at all sides and has score -1. In order of falling scores, equal ones by row, column and anchor, the first "
        "pre_top_k are kept. From the first on each one that is still there removes the later ones that it overlaps by "
        "more than overlap_threshold: the area of the intersection divided by that of the union, all extents counted as x2 - "
        "x1 + 1. The outputs are count rows (image, x1, y1, x2, y2) of each image, and their scores (N*count, 1): the first "
        "min(count, pre_top_k, boxes) that are left, and where they are fewer than count they start over.",
        inputs=("scores", "deltas", "images"),
        outputs=("regions", "scores"),
        attributes=(
            Attribute("anchors", "floats", "x1, y1, x2, y2 of each anchor of the first position."),
            Attribute("stride", "int", "Pixels of the image between two positions."),
            Attribute("pre_top_k", "int", "How many are looked at; None: all.", optional=True),
            Attribute("count", "int", "Regions of an image."),
            Attribute("overlap_threshold", "float", "The largest overlap that is allowed."),
            Attribute("min_size", "float", "The smallest height and width, where the scale is 1."),
            Attribute("corner_deltas", "bool", "Whether the deltas move corners."),
        ),
        family="regions",
        rank_rule=2,
    ),
    Operator(
        "position_sensitive_roi_pool",
        f"Means of the bins of regions of a map (N, C, H, W). {_CORNERS} The bin from a to b holds the positions from "
        "floor(a) to ceil(b), the last excluded, that are in the map; one without positions gives 0. "
        f"{_GROUP} {_OUTPUT}",
        inputs=("input", "regions"),
        attributes=(_CHANNELS, _SIZE, _GROUPS, _SCALE),
        family="regions",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "deformable_position_sensitive_roi_pool",
        f"Means of samples of the bins of regions of a map (N, C, H, W). {_CORNERS} Then 0.5 is subtracted from all "
        "coordinates. The offsets (regions, 2*classes, part_size, part_size) move bins: bin (i, j) of a channel of class "
        "k, where classes have equally many channels in order, by offset_scale times the region's width and height times "
        "the numbers of channels 2*k and 2*k + 1 in row floor(i/output_size*part_size) and column "
        "floor(j/output_size*part_size), computed in single precision. Without offsets they are 0. A bin has "
        "samples*samples samples, the first at its begin and the next 1/samples of its extent further. Those are left out "
        "that lie before -0.5 or behind H - 0.5 or W - 0.5; the others are brought between 0 and the last position and "
        f"interpolate linearly between the four nearest positions. A bin without samples gives 0. {_GROUP} {_OUTPUT}",
        inputs=("input", "regions", "offsets?"),
        attributes=(
            _CHANNELS,
            _SIZE,
            _GROUPS,
            Attribute("part_size", "int", "Rows, and columns, of the offsets."),
            Attribute("samples", "int", "Samples of a bin in each direction."),
            _SCALE,
            Attribute("offset_scale", "float", "From offsets to fractions of the region."),
        ),
        family="regions",
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "rotated_roi_align",
        "Means over samples of the bins of turned regions of a map (N, C, H, W). A region is a row (image, x, y, width, "
        "height, angle) of the second input: its middle, its extents and degrees; all but the angle times spatial_scale, "
        "and extents at least 1. It is divided into equal bins, and in each samples lie in the middle of samples*samples "
        "equal cells; where samples is 0, ceil(height of a bin) times ceil(width of a bin) of them. A sample at (u, v) from "
        "the middle is taken at x + u*cos(angle) + v*sin(angle), y + v*cos(angle) - u*sin(angle), and interpolates "
        "linearly between the four nearest positions. Beyond the first or last row or column it takes that one's value, and "
        "further than 1 before the first, or beyond H or W, it is 0. The output is (regions, C, *output_size).",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "Rows and columns of bins."),
            _SCALE,
            Attribute("samples", "int", "Samples of a bin in each direction; 0: as many as it has rows or columns."),
        ),
        family="regions",
        rank_rule=4,
        dtype_rule="same",
    ),
)
