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

// transformers renames modules, not parameters. It lists the Gaussian matrix twice, or once under either name.
constexpr NameRule kHfSam[] = {
    {"shared_image_embedding.positional_embedding",
     "decoder.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"prompt_encoder.shared_embedding.positional_embedding",
     "decoder.prompt_encoder.pe_layer.positional_encoding_gaussian_matrix"},
    {"prompt_encoder.mask_embed.conv1.**", "decoder.prompt_encoder.mask_downscaling.0.{1}"},
    {"prompt_encoder.mask_embed.layer_norm1.**", "decoder.prompt_encoder.mask_downscaling.1.{1}"},
    {"prompt_encoder.mask_embed.conv2.**", "decoder.prompt_encoder.mask_downscaling.3.{1}"},
    {"prompt_encoder.mask_embed.layer_norm2.**", "decoder.prompt_encoder.mask_downscaling.4.{1}"},
    {"prompt_encoder.mask_embed.conv3.**", "decoder.prompt_encoder.mask_downscaling.6.{1}"},
    {"prompt_encoder.point_embed.**", "decoder.prompt_encoder.point_embeddings.{1}"},
    {"prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"vision_encoder.patch_embed.projection.**", "encoder.patch_embed.proj.{1}"},
    {"vision_encoder.layers.*.layer_norm1.**", "encoder.blocks.{1}.norm1.{2}"},
    {"vision_encoder.layers.*.layer_norm2.**", "encoder.blocks.{1}.norm2.{2}"},
    {"vision_encoder.layers.*.**", "encoder.blocks.{1}.{2}"},
    {"vision_encoder.neck.conv1.**", "encoder.neck.0.{1}"},
    {"vision_encoder.neck.layer_norm1.**", "encoder.neck.1.{1}"},
    {"vision_encoder.neck.conv2.**", "encoder.neck.2.{1}"},
    {"vision_encoder.neck.layer_norm2.**", "encoder.neck.3.{1}"},
    {"vision_encoder.**", "encoder.{1}"},
    {"mask_decoder.transformer.layers.*.layer_norm1.**", "decoder.transformer.layers.{1}.norm1.{2}"},
    {"mask_decoder.transformer.layers.*.layer_norm2.**", "decoder.transformer.layers.{1}.norm2.{2}"},
    {"mask_decoder.transformer.layers.*.layer_norm3.**", "decoder.transformer.layers.{1}.norm3.{2}"},
    {"mask_decoder.transformer.layers.*.layer_norm4.**", "decoder.transformer.layers.{1}.norm4.{2}"},
    {"mask_decoder.transformer.layer_norm_final_attn.**", "decoder.transformer.norm_final_attn.{1}"},
    {"mask_decoder.upscale_conv1.**", "decoder.output_upscaling.0.{1}"},
    {"mask_decoder.upscale_layer_norm.**", "decoder.output_upscaling.1.{1}"},
    {"mask_decoder.upscale_conv2.**", "decoder.output_upscaling.3.{1}"},
    {"mask_decoder.output_hypernetworks_mlps.*.proj_in.**", "decoder.output_hypernetworks_mlps.{1}.layers.0.{2}"},
    {"mask_decoder.output_hypernetworks_mlps.*.layers.0.**", "decoder.output_hypernetworks_mlps.{1}.layers.1.{2}"},
    {"mask_decoder.output_hypernetworks_mlps.*.proj_out.**", "decoder.output_hypernetworks_mlps.{1}.layers.2.{2}"},
    {"mask_decoder.iou_prediction_head.proj_in.**", "decoder.iou_prediction_head.layers.0.{1}"},
    {"mask_decoder.iou_prediction_head.layers.0.**", "decoder.iou_prediction_head.layers.1.{1}"},
    {"mask_decoder.iou_prediction_head.proj_out.**", "decoder.iou_prediction_head.layers.2.{1}"},
    // What SamHQModel adds.
    {"mask_decoder.hq_token.**", "decoder.hf_token.{1}"},
    {"mask_decoder.hq_mask_mlp.proj_in.**", "decoder.hf_mlp.layers.0.{1}"},
    {"mask_decoder.hq_mask_mlp.layers.0.**", "decoder.hf_mlp.layers.1.{1}"},
    {"mask_decoder.hq_mask_mlp.proj_out.**", "decoder.hf_mlp.layers.2.{1}"},
    {"mask_decoder.compress_vit_conv1.**", "decoder.compress_vit_feat.0.{1}"},
    {"mask_decoder.compress_vit_norm.**", "decoder.compress_vit_feat.1.{1}"},
    {"mask_decoder.compress_vit_conv2.**", "decoder.compress_vit_feat.3.{1}"},
    {"mask_decoder.encoder_conv1.**", "decoder.embedding_encoder.0.{1}"},
    {"mask_decoder.encoder_norm.**", "decoder.embedding_encoder.1.{1}"},
    {"mask_decoder.encoder_conv2.**", "decoder.embedding_encoder.3.{1}"},
    {"mask_decoder.mask_conv1.**", "decoder.embedding_maskfeature.0.{1}"},
    {"mask_decoder.mask_norm.**", "decoder.embedding_maskfeature.1.{1}"},
    {"mask_decoder.mask_conv2.**", "decoder.embedding_maskfeature.3.{1}"},
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

// Adapters of every block are numbered through: q and v take turns. The frozen encoder is not saved. H-SAM adds a
// second decoder, and lists its only prompt encoder twice.
constexpr NameRule kSamed[] = {
    {"w_a_{2n}", "adapters.lora.encoder/blocks/{1}/attn/qkv.linear_a_q.weight"},
    {"w_a_{2n+1}", "adapters.lora.encoder/blocks/{1}/attn/qkv.linear_a_v.weight"},
    {"w_b_{2n}", "adapters.lora.encoder/blocks/{1}/attn/qkv.linear_b_q.weight"},
    {"w_b_{2n+1}", "adapters.lora.encoder/blocks/{1}/attn/qkv.linear_b_v.weight"},
    {"prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"prompt_encoder2.**", ""},
    {"mask_decoder.**", "decoder.{1}"},
    {"mask_decoder2.**", "decoder.mask_decoder2.{1}"},
};

// Released heads, and for a head that starts from it SAM's file, or lamina's own of a model with prompts: of the prompt
// encoder only the positions are used.
constexpr NameRule kLightHeads[] = {
    {"pixel_mean", ""},
    {"pixel_std", ""},
    {"image_encoder.**", "encoder.{1}"},
    {"mask_decoder.**", "decoder.{1}"},
    {"pe_layer.**", "decoder.pe_layer.{1}"},
    {"prompt_encoder.pe_layer.**", "decoder.pe_layer.{1}"},
    {"prompt_encoder.**", ""},
    {"decoder.prompt_encoder.pe_layer.**", "decoder.pe_layer.{1}"},
    {"decoder.prompt_encoder.**", ""},
};

// Adapters without a number sit in front of the attention, those with _2 in front of the perceptron.
constexpr NameRule kMaSam[] = {
    {"q_FacTs_{n}", "adapters.fact.encoder/blocks/{1}/attn/qkv.q_FacTs.weight"},
    {"v_FacTs_{n}", "adapters.fact.encoder/blocks/{1}/attn/qkv.v_FacTs.weight"},
    {"image_encoder.FacTu.**", "adapters.fact.FacTu.{1}"},
    {"image_encoder.FacTv.**", "adapters.fact.FacTv.{1}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_norm.**",
     "adapters.depth.encoder/blocks/{1}/input.adapter_norm.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_linear_down.**",
     "adapters.depth.encoder/blocks/{1}/input.adapter_linear_down.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_conv.**",
     "adapters.depth.encoder/blocks/{1}/input.adapter_conv.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_linear_up.**",
     "adapters.depth.encoder/blocks/{1}/input.adapter_linear_up.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_norm_2.**",
     "adapters.depth.encoder/blocks/{1}/mid.adapter_norm.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_linear_down_2.**",
     "adapters.depth.encoder/blocks/{1}/mid.adapter_linear_down.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_conv_2.**",
     "adapters.depth.encoder/blocks/{1}/mid.adapter_conv.{2}"},
    {"image_encoder.ImageEncoderViT.blocks.*.Block.adapter_linear_up_2.**",
     "adapters.depth.encoder/blocks/{1}/mid.adapter_linear_up.{2}"},
    {"prompt_encoder.**", "decoder.prompt_encoder.{1}"},
    {"mask_decoder.**", "decoder.{1}"},
};

// HQ-SAM renames nothing of SAM, and its additions sit in the mask decoder.
constexpr NameMap kMaps[] = {
    {"none", {}},          {"sam", kSam},     {"hf_sam", kHfSam}, {"sam_hq", kSam},  {"mobile_sam", kMobileSam},
    {"masksam", kMaskSam}, {"samed", kSamed}, {"ma_sam", kMaSam}, {"h_sam", kSamed}, {"light_heads", kLightHeads}};

}  // namespace

std::span<const NameMap> name_rules() { return kMaps; }

}  // namespace lamina::engine
