// The maps as data.
#include "engine/weights/name_rules.hpp"

namespace lamina::engine {
namespace {

// Parameters inside encoder and decoder have the reference's own names, so three prefixes are enough.
constexpr NameRule kSam[] = {
    {"pixel_mean", ""},
    {"pixel_std", ""},
    {"image_encoder.**", "encoder.{1}"},
    {"prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"mask_decoder.**", "decoder.{1}"},
};

// TinyViT was trained to classify before it was distilled; the classifier is still in the released file.
constexpr NameRule kMobileSam[] = {
    {"pixel_mean", ""},
    {"pixel_std", ""},
    {"image_encoder.norm_head.**", ""},
    {"image_encoder.head.**", ""},
    {"image_encoder.**", "encoder.{1}"},
    {"prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"mask_decoder.**", "decoder.{1}"},
};

// Released modules sit inside SAM's own; here each adapter stands by itself, under its id and the site it sits at.
constexpr NameRule kMaskSam[] = {
    {"sam_model.pixel_mean", ""},
    {"sam_model.pixel_std", ""},
    {"first_conv.**", "adapters.stem.encoder/image.first_conv.{1}"},
    {"sam_model.image_encoder.temporal_embedding", "adapters.depth_pos.encoder/embed.temporal_embedding"},
    {"sam_model.prompt_encoder.temporal_embedding", "adapters.dense_pos.decoder/dense_pe.temporal_embedding"},
    {"sam_model.image_encoder.blocks.*.Space_Adapter.**", "adapters.enc_attn.encoder/blocks/{1}/attn/out.{2}"},
    {"sam_model.image_encoder.blocks.*.MLP_Adapter.**", "adapters.enc_mlp.encoder/blocks/{1}/mlp/out.{2}"},
    {"sam_model.mask_decoder.transformer.layers.*.Space_Queries_Adapter.**",
     "adapters.dec_tokens.decoder/layers/{1}/self_attn/out.{2}"},
    {"sam_model.mask_decoder.transformer.layers.*.Cross_Space_Adapter1.**",
     "adapters.dec_tokens.decoder/layers/{1}/cross_attn_token_to_image/out.{2}"},
    {"sam_model.mask_decoder.transformer.layers.*.MLP_Queries_Adapter.**",
     "adapters.dec_mlp.decoder/layers/{1}/mlp/out.{2}"},
    {"sam_model.mask_decoder.transformer.layers.*.Cross_Space_Adapter2.**",
     "adapters.dec_keys.decoder/layers/{1}/cross_attn_image_to_token/out.{2}"},
    {"sam_model.mask_decoder.transformer.Space_Adapter.**",
     "adapters.dec_tokens.decoder/final_attn_token_to_image/out.{1}"},
    {"sam_model.image_encoder.**", "encoder.{1}"},
    {"sam_model.prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"sam_model.mask_decoder.**", "decoder.{1}"},
    {"image_decoder_stages.**", "prompter.image_decoder_stages.{1}"},
    {"image_decoder_transpconvs.**", "prompter.image_decoder_transpconvs.{1}"},
    {"image_decoder_skips.**", "prompter.image_decoder_skips.{1}"},
    {"image_decoder_seg_layers.**", "prompter.image_decoder_seg_layers.{1}"},
    {"bbox_conv.**", "prompter.bbox_conv.{1}"},
    {"residual_classifier.**", "prompter.residual_classifier.{1}"},
    {"final_conv.**", "decoder.final_conv.{1}"},
};

constexpr NameMap kMaps[] = {{"none", {}}, {"sam", kSam}, {"mobile_sam", kMobileSam}, {"masksam", kMaskSam}};

}  // namespace

std::span<const NameMap> name_rules() { return kMaps; }

}  // namespace lamina::engine
