"""Region proposals, and pooling over regions that are rotated or whose bins have channels of their own."""

from __future__ import annotations

from neutral.operators.declarations import Attribute, Operator

_SCALE = Attribute("spatial_scale", "float", "The factor from coordinates of regions to coordinates of the map.")
_SIZE = Attribute("output_size", "int", "The number of rows, and of columns, of bins.")
_CHANNELS = Attribute("output_channels", "int", "The number of channels of the output.")
_GROUPS = Attribute("group_size", "int", "The number of rows, and of columns, of groups of channels.")
_CORNERS = (
    "A region is a row (image, x1, y1, x2, y2) of the second operand. Its coordinates are rounded, halves away "
    "from zero; 1 is added to x2 and y2, and all are multiplied by spatial_scale. The region is at least 0.1 high "
    "and wide, and divided into output_size*output_size equal bins."
)
_GROUP = (
    "Bin (i, j) of output channel c is pooled from channel (c*group_size + "
    "floor(i*group_size/output_size))*group_size + floor(j*group_size/output_size) of the map."
)
_OUTPUT = "The output is (regions, output_channels, output_size, output_size)."

OPERATORS = (
    Operator(
        "region_proposals",
        "Propose regions of images that may contain an object. The operands are scores (N, 2*A, H, W), whose last "
        "A channels are the scores of A anchors at each position, deltas (N, 4*A, H, W), and images with rows "
        "(height, width, scale). The anchors at row i and column j are the given anchors shifted by (j*stride, "
        "i*stride). If corner_deltas, the deltas are added to the corners x1, y1, x2, y2 of the anchor. "
        "Otherwise, with the anchor's width w = x2 - x1 + 1 and centre x1 + (w - 1)/2, the centre of the box is "
        "(delta 0)*w + centre, its width is e^(delta 2)*w, and its x1 and x2 are (width - 1)/2 to both sides of "
        "its centre; y1 and y2 likewise with deltas 1 and 3. Coordinates are clamped to [0, width - 1] and [0, "
        "height - 1] of the image. Scores become -1 in rows from trunc(height/stride) and in columns from "
        "trunc(width/stride) on. A box whose x2 - x1 + 1 or y2 - y1 + 1 is less than min_size*scale is extended "
        "by half of that on all sides, and its score becomes -1. The boxes are sorted by descending score, equal "
        "scores by row, column and anchor, and the first pre_top_k are kept. Non-maximum suppression follows: "
        "each box that is not removed yet, from the first on, removes the later ones that it overlaps by more "
        "than overlap_threshold. The overlap is the area of the intersection divided by the area of the union, "
        "with extents computed as x2 - x1 + 1. The outputs are count rows (image, x1, y1, x2, y2) for each image, "
        "and their scores (N*count, 1): the first min(count, pre_top_k, boxes) of the remaining boxes, repeated "
        "from the start if they are fewer than count.",
        inputs=("scores", "deltas", "images"),
        outputs=("regions", "scores"),
        attributes=(
            Attribute("anchors", "floats", "The corners x1, y1, x2, y2 of each anchor at the first position."),
            Attribute("stride", "int", "The number of pixels of the image between two positions of the map."),
            Attribute(
                "pre_top_k",
                "int",
                "The number of rows with the highest scores that take part; None: all.",
                optional=True,
            ),
            Attribute("count", "int", "The number of regions for each image."),
            Attribute("overlap_threshold", "float", "The largest overlap that is allowed."),
            Attribute("min_size", "float", "The smallest height and width of a box in an image of scale 1."),
            Attribute("corner_deltas", "bool", "True if the deltas are added to corners."),
        ),
        family="regions",
        discontinuous=True,
        operand_rank=4,
        rank_rule=2,
    ),
    Operator(
        "position_sensitive_roi_pool",
        f"Average pooling over the bins of regions of a feature map (N, C, H, W). {_CORNERS} The bin from a to b "
        f"holds the positions floor(a) to ceil(b) (excluded) that are in the map; an empty bin gives 0. {_GROUP} "
        f"{_OUTPUT}",
        inputs=("input", "regions"),
        attributes=(_CHANNELS, _SIZE, _GROUPS, _SCALE),
        family="regions",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "deformable_position_sensitive_roi_pool",
        "Average pooling of bilinear samples over the shifted bins of regions of a feature map (N, C, H, W). "
        f"{_CORNERS} Then 0.5 is subtracted from all coordinates. The offsets (regions, 2*classes, part_size, "
        "part_size) shift bins; the output channels are divided into classes of equally many consecutive "
        "channels. Bin (i, j) of a channel of class k is shifted in x and y by offset_scale times the width and "
        "height of the region times the elements of channels 2*k and 2*k + 1 of the offsets in row "
        "floor(i/output_size*part_size) and column floor(j/output_size*part_size), computed in single precision. "
        "If offsets is absent, they are 0. A bin has samples*samples samples, the first at its start and the "
        "others at distances of 1/samples of its extent. Samples before -0.5 or past H - 0.5 or W - 0.5 are not "
        "counted; the others are clamped to the map and interpolated linearly between the four nearest positions. "
        f"A bin without samples gives 0. {_GROUP} {_OUTPUT}",
        inputs=("input", "regions", "offsets?"),
        attributes=(
            _CHANNELS,
            _SIZE,
            _GROUPS,
            Attribute("part_size", "int", "The number of rows, and of columns, of the offsets."),
            Attribute("samples", "int", "The number of samples of a bin in each direction."),
            _SCALE,
            Attribute("offset_scale", "float", "The factor from offsets to fractions of the region."),
        ),
        family="regions",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
    Operator(
        "rotated_roi_align",
        "Average pooling of bilinear samples over the bins of rotated regions of a feature map (N, C, H, W). A "
        "region is a row (image, x, y, width, height, angle) of the second operand: its centre, its extents and "
        "its angle in degrees. All but the angle are multiplied by spatial_scale, and extents are at least 1. The "
        "region is divided into equal bins, and a bin into samples*samples equal cells (ceil(height of a "
        "bin)*ceil(width of a bin) cells if samples is 0), with a sample in the middle of each. A sample at the "
        "offset (u, v) from the centre is taken at (x + u*cos(angle) + v*sin(angle), y + v*cos(angle) - "
        "u*sin(angle)) and interpolated linearly between the four nearest positions. A sample outside of the "
        "first or last row or column has the value there; farther than 1 before the first one, or past H or W, it "
        "is 0. The output is (regions, C, *output_size).",
        inputs=("input", "regions"),
        attributes=(
            Attribute("output_size", "ints", "The number of rows and columns of bins."),
            _SCALE,
            Attribute(
                "samples",
                "int",
                "The number of samples of a bin in each direction; 0: its height or width, rounded up.",
            ),
        ),
        family="regions",
        operand_rank=4,
        rank_rule=4,
        dtype_rule="same",
    ),
)
