"""Constraints of operators on boxes, regions, grids and images, and of quantised ones."""

from __future__ import annotations

from typing import Sequence

from differential.draft import Constraint, Draft, Input

BATCH, SIZE = 2, 8
"""Images of a batch, and their extent."""


def _images(channels: int) -> Input:
    return Input((BATCH, channels, SIZE, SIZE))


def roi_pooling(draft: Draft) -> Sequence[Input]:
    draft.set(pooled_size=(draft.between(1, 3), draft.between(1, 3)), spatial_scale=draft.one("0.5", "1", "0.25"))
    scale = float(draft.attributes["spatial_scale"])
    return [_images(3), Input((draft.between(1, 4), 5), ("rois", BATCH, (SIZE - 1) / scale))]


def roi_align(draft: Draft) -> Sequence[Input]:
    roi, pooled = roi_pooling(draft)[1], draft.tuple("pooled_size")
    draft.set(sample_ratio=None)
    draft.maybe(sample_ratio=[1, 2])
    channels = 2 * pooled[0] * pooled[1] if draft.flag("position_sensitive") else 3
    return [_images(channels), roi]


def rotated_align(draft: Draft) -> Sequence[Input]:
    roi_pooling(draft)
    draft.maybe(sampling_ratio=[1, 2])
    scale = float(draft.attributes["spatial_scale"])
    return [_images(3), Input((draft.between(1, 4), 6), ("rotated rois", BATCH, SIZE / scale))]


def position_sensitive(draft: Draft) -> Sequence[Input]:
    pooled, dimensions = draft.between(1, 3), draft.between(1, 2)
    draft.set(pooled_size=pooled, output_dim=dimensions, spatial_scale=draft.one("0.5", "1"), group_size=None)
    draft.maybe(group_size=[pooled])
    scale = float(draft.attributes["spatial_scale"])
    return [_images(dimensions * pooled**2), Input((draft.between(1, 3), 5), ("rois", BATCH, (SIZE - 1) / scale))]


def deformable_position_sensitive(draft: Draft) -> Sequence[Input]:
    images, rois = position_sensitive(draft)
    pooled = int(draft.attributes["pooled_size"])
    draft.set(group_size=pooled, part_size=None, sample_per_part=draft.between(1, 3), trans_std=draft.one("0.1", "0"))
    draft.maybe(part_size=[pooled], no_trans=["True"])
    moves = Input((rois.shape[0], 2, pooled, pooled), ("uniform", -1, 1))
    return [images, rois, *([] if draft.flag("no_trans") else [moves])]


def multibox_prior(draft: Draft) -> Sequence[Input]:
    draft.set(steps=None, offsets=None)
    draft.maybe(sizes=["(0.5,)", "(0.3, 0.7)"], ratios=["(1, 2)", "(1, 0.5, 3)"], offsets=["(0.3, 0.6)"])
    draft.maybe(steps=["(0.2, 0.3)"])
    return [Input((2, 3, draft.between(1, 5), draft.between(1, 5)))]


def multibox_detection(draft: Draft) -> Sequence[Input]:
    anchors, classes = draft.between(3, 8), draft.between(2, 4)
    draft.set(background_id=None, variances=None, nms_topk=None)
    draft.maybe(threshold=["0.3", "0.1"], nms_topk=[2, 4], variances=["(0.2, 0.2, 0.1, 0.1)"])
    draft.maybe(nms_threshold=["0.3", "0.6"])
    return [
        Input((BATCH, classes, anchors), ("probabilities", 1)),
        Input((BATCH, 4 * anchors), ("uniform", -0.5, 0.5)),
        Input((1, anchors, 4), ("corners", 1.0)),
    ]


def proposal(draft: Draft) -> Sequence[Input]:
    height, width = draft.between(3, 5), draft.between(3, 5)
    draft.set(scales="(2, 4)", ratios="(0.5, 1)", feature_stride=draft.one(4, 8), rpn_min_size=draft.one(1, 4))
    draft.set(rpn_pre_nms_top_n=draft.one(20, 40), rpn_post_nms_top_n=draft.one(5, 10), threshold=None)
    draft.set(iou_loss=None, output_score=None)
    draft.maybe(threshold=["0.5", "0.8"], output_score=["True"])
    batch = 1
    size = float(int(draft.attributes["feature_stride"]) * min(height, width))
    return [
        Input((batch, 8, height, width), ("probabilities", 1)),
        Input((batch, 16, height, width), ("uniform", -0.3, 0.3)),
        Input((batch, 3), ("constant", size, size, 1.0)),
    ]


def box_nms(draft: Draft) -> Sequence[Input]:
    draft.set(background_id=None, coord_start=None, id_index=None, score_index=None, topk=None, valid_thresh=None)
    draft.maybe(id_index=[0], topk=[2, 4], valid_thresh=["0.3"], background_id=[0, 1], overlap_thresh=["0.3", "0.7"])
    return [Input((*draft.shape(0, 1), draft.between(2, 8), 6), ("detections",))]


def box_decode(draft: Draft) -> Sequence[Input]:
    draft.maybe(clip=["2", "0.5"], std0=["0.1"], std2=["0.2"])
    boxes = draft.between(1, 5)
    return [Input((BATCH, boxes, 4), ("uniform", -0.5, 0.5)), Input((1, boxes, 4), ("corners", 1.0))]


def box_encode(draft: Draft) -> Sequence[Input]:
    boxes, references = draft.between(1, 5), draft.between(1, 4)
    return [
        Input((BATCH, boxes), ("integers", -1, 1)),
        Input((BATCH, boxes), ("integers", 0, references - 1)),
        Input((BATCH, boxes, 4), ("corners", 4.0)),
        Input((BATCH, references, 4), ("corners", 4.0)),
        Input((4,), ("uniform", -0.2, 0.2)),
        Input((4,), ("uniform", 0.1, 0.5)),
    ]


def box_iou(draft: Draft) -> Sequence[Input]:
    return [Input((*draft.shape(1, 2), 4), ("corners", 4.0)), Input((*draft.shape(1, 2), 4), ("corners", 4.0))]


def sampler(draft: Draft) -> Sequence[Input]:
    size = (draft.between(2, 5), draft.between(2, 5))
    return [Input((BATCH, 3, *draft.shape(2))), Input((BATCH, 2, *size), ("grid",))]


def grid_generator(draft: Draft) -> Sequence[Input]:
    if draft.attributes["transform_type"] == "warp":
        draft.set(target_shape=None)
        return [Input((BATCH, 2, draft.between(2, 5), draft.between(2, 5)))]
    draft.set(target_shape=(draft.between(2, 5), draft.between(2, 5)))
    return [Input((BATCH, 6), ("affine",))]


def transformer(draft: Draft) -> Sequence[Input]:
    draft.set(target_shape=(draft.between(2, 5), draft.between(2, 5)))
    return [Input((BATCH, 3, draft.between(2, 6), draft.between(2, 6))), Input((BATCH, 6), ("affine",))]


def up_sampling(draft: Draft) -> Sequence[Input]:
    channels, scale = draft.between(1, 3), draft.between(1, 3)
    shape = (BATCH, channels, draft.between(2, 4), draft.between(2, 4))
    draft.set(scale=scale, num_filter=None, multi_input_mode=None)
    if draft.attributes["sample_type"] == "bilinear":
        draft.set(num_args=2, num_filter=channels)
        extent = 2 * scale - scale % 2
        return [Input(shape), Input((channels, 1, extent, extent))]
    count = draft.one(1, 1, 2) if draft.has_optional else 1
    draft.set(num_args=count)
    draft.maybe(multi_input_mode=["sum", "concat"])
    return [Input(shape)] * count


def bilinear_resize(draft: Draft) -> Sequence[Input]:
    mode = draft.one("size", "size", "odd_scale", "like", "to_even_down", "to_even_up", "to_odd_down", "to_odd_up")
    draft.set(mode=mode if draft.has_optional and mode != "size" else None, scale_height=None, scale_width=None)
    draft.set(height=None, width=None)
    draft.maybe(align_corners=["True", "False"])
    mode = draft.attributes.get("mode", "size")
    images = Input((BATCH, 3, draft.between(2, 6), draft.between(2, 6)))
    if mode == "size" and draft.random.random() < 0.7:
        draft.set(height=draft.between(1, 7), width=draft.between(1, 7))
    elif mode in ("size", "odd_scale"):
        draft.set(scale_height=draft.one("0.5", "1.5", "2"), scale_width=draft.one("0.5", "1.5", "2"))
    return [images, Input((BATCH, 3, *draft.shape(2)))] if mode == "like" else [images]


def adaptive(draft: Draft) -> Sequence[Input]:
    draft.maybe(output_size=["(2, 3)", "(1, 1)", "(3,)", "(4, 2)"])
    return [Input((BATCH, 3, draft.between(2, 6), draft.between(2, 6)))]


def crop(draft: Draft) -> Sequence[Input]:
    images = Input((BATCH, 3, 7, 8))
    draft.set(h_w=None, offset=None, center_crop=None)
    draft.maybe(center_crop=["True"])
    if not draft.flag("center_crop"):
        draft.maybe(offset=["(1, 2)", "(0, 1)"])
    if draft.random.random() < 0.5:
        draft.set(num_args=1, h_w=(draft.between(1, 5), draft.between(1, 5)))
        return [images]
    draft.set(num_args=2)
    return [images, Input((BATCH, 3, draft.between(1, 5), draft.between(1, 5)))]


def quantized_range() -> list[Input]:
    return [Input((1,), ("uniform", -3, -1), "float32"), Input((1,), ("uniform", 1, 3), "float32")]


def signed(shape: tuple[int, ...]) -> Input:
    return Input(shape, ("integers", -120, 120), "int8")


def quantize(draft: Draft) -> Sequence[Input]:
    return [Input(draft.shape(1, 2, 3)), *quantized_range()]


def quantize_v2(draft: Draft) -> Sequence[Input]:
    if draft.has_optional:
        draft.set(min_calib_range=draft.one("-1.5", "-2"), max_calib_range=draft.one("1.5", "3"))
    return [Input(draft.shape(1, 2, 3))]


def dequantize(draft: Draft) -> Sequence[Input]:
    return [Input(draft.shape(1, 2, 3), (), draft.one("int8", "uint8", "int32")), *quantized_range()]


def requantize(draft: Draft) -> Sequence[Input]:
    if draft.has_optional:
        draft.set(min_calib_range="-1.5", max_calib_range="1.5")
    return [Input(draft.shape(1, 2, 3), ("integers", -(2**30), 2**30), "int32"), *quantized_range()]


def quantized_activation(draft: Draft) -> Sequence[Input]:
    draft.set(act_type="relu")
    return [signed(draft.shape(2, 4)), *quantized_range()]


def quantized_batch_norm(draft: Draft) -> Sequence[Input]:
    draft.set(axis=None, output_mean_var=None, use_global_stats=None)
    draft.set(min_calib_range="-4", max_calib_range="4")
    channels = draft.between(1, 4)
    floats = [Input((channels,), ("uniform", 0.2, 2), "float32") for _ in range(4)]
    return [signed((BATCH, channels, 3, 4)), *floats, *quantized_range()]


def quantized_concat(draft: Draft) -> Sequence[Input]:
    count, shape = draft.between(1, 3), draft.shape(2, 4)
    draft.set(num_args=count, dim=None)
    ends = [quantized_range() for _ in range(count)]
    return [*([signed(shape)] * count), *(end for pair in ends for end in pair)]


def quantized_convolution(draft: Draft) -> Sequence[Input]:
    draft.set(kernel="(2, 2)", num_filter=3, num_group=None, layout=None, no_bias=None, dilate=None)
    draft.set(stride=None, pad=None)
    draft.maybe(stride=["(2, 2)"], pad=["(1, 1)"], no_bias=["True"])
    has_bias = not draft.flag("no_bias")
    data = Input((BATCH, 4, 5, 5), ("integers", 0, 250), "uint8")
    arrays = [data, signed((3, 4, 2, 2)), *([signed((3,))] if has_bias else [])]
    return [*arrays, *(end for _ in arrays for end in quantized_range())]


def quantized_dense(draft: Draft) -> Sequence[Input]:
    draft.set(num_hidden=3, flatten=None)
    draft.maybe(no_bias=["True"])
    arrays = [signed((BATCH, 6)), signed((3, 6)), *([] if draft.flag("no_bias") else [signed((3,))])]
    return [*arrays, *(end for _ in arrays for end in quantized_range())]


def quantized_elementwise(draft: Draft) -> Sequence[Input]:
    shape = draft.shape(2, 3, 4)
    draft.set(min_calib_range=None, max_calib_range=None)
    if draft.has_optional:
        draft.set(min_calib_range="-4", max_calib_range="4")
    return [signed(shape), signed(shape), *quantized_range(), *quantized_range()]


def quantized_embedding(draft: Draft) -> Sequence[Input]:
    draft.set(input_dim=5, output_dim=3, dtype=None, sparse_grad=None)
    return [Input(draft.shape(1, 2), ("integers", 0, 4), "float32"), signed((5, 3)), *quantized_range()]


def quantized_pooling(draft: Draft) -> Sequence[Input]:
    draft.set(kernel="(2, 2)", layout=None, p_value=None, stride=None, pad=None)
    draft.set(pool_type=draft.one("max", "avg"), pooling_convention=None, global_pool=None)
    draft.maybe(stride=["(2, 2)"], global_pool=["True"])
    return [signed((BATCH, 3, 5, 5)), *quantized_range()]


REGIONS: dict[str, Constraint] = {
    "BilinearSampler": sampler,
    "Crop": crop,
    "GridGenerator": grid_generator,
    "ROIPooling": roi_pooling,
    "SpatialTransformer": transformer,
    "UpSampling": up_sampling,
    "_contrib_AdaptiveAvgPooling2D": adaptive,
    "_contrib_BilinearResize2D": bilinear_resize,
    "_contrib_DeformablePSROIPooling": deformable_position_sensitive,
    "_contrib_MultiBoxDetection": multibox_detection,
    "_contrib_MultiBoxPrior": multibox_prior,
    "_contrib_MultiProposal": proposal,
    "_contrib_PSROIPooling": position_sensitive,
    "_contrib_Proposal": proposal,
    "_contrib_ROIAlign": roi_align,
    "_contrib_RROIAlign": rotated_align,
    "_contrib_box_decode": box_decode,
    "_contrib_box_encode": box_encode,
    "_contrib_box_iou": box_iou,
    "_contrib_box_nms": box_nms,
    "_contrib_dequantize": dequantize,
    "_contrib_quantize": quantize,
    "_contrib_quantize_v2": quantize_v2,
    "_contrib_quantized_act": quantized_activation,
    "_contrib_quantized_batch_norm": quantized_batch_norm,
    "_contrib_quantized_concat": quantized_concat,
    "_contrib_quantized_conv": quantized_convolution,
    "_contrib_quantized_elemwise_add": quantized_elementwise,
    "_contrib_quantized_elemwise_mul": quantized_elementwise,
    "_contrib_quantized_embedding": quantized_embedding,
    "_contrib_quantized_flatten": lambda draft: [signed(draft.shape(2, 3, 4)), *quantized_range()],
    "_contrib_quantized_fully_connected": quantized_dense,
    "_contrib_quantized_pooling": quantized_pooling,
    "_contrib_requantize": requantize,
}
"""Constraints of regions, images and quantised operators by operator."""
