// The attention kernels of core/cuda, run on the CPU thread by thread, against the plain formula.
#include "attention_forward.cuh"
#include "attention_gradient.cuh"

#include <lamina/nn/attention.hpp>

#include <gtest/gtest.h>
#include <torch/utils.h>

namespace lamina::cuda {
namespace {

struct Size {
  int64_t images, height, width, heads, depth, area_height, area_width;
};

void PrintTo(const Size& size, std::ostream* out) {
  *out << size.images << " images of " << size.height << "x" << size.width << ", " << size.heads << " heads of "
       << size.depth << ", queries " << size.area_height << "x" << size.area_width;
}

unsigned blocks(int64_t count) { return static_cast<unsigned>((count + kOwnRows - 1) / kOwnRows); }

/// One attention with its gradients, by the kernels and by the formula in float64.
template <typename T>
class Comparison {
 public:
  explicit Comparison(const Size& size)
      : size_(size),
        type_(sizeof(T) == 4 ? torch::kFloat32 : torch::kBFloat16),
        qkv_(torch::randn({size.images, size.height, size.width, 3 * size.heads * size.depth}).mul(1.5).to(type_)),
        tables_{torch::randn({2 * size.height - 1, size.depth}), torch::randn({2 * size.width - 1, size.depth})},
        turned_(torch::cat({tables_.height.flip(0), tables_.width.flip(0)})),
        grad_(torch::randn({size.images, size.area_height, size.area_width, size.heads * size.depth}).to(type_)) {
    products_ = (torch::matmul(queries(), turned_.t()) * kLog2E).contiguous();
    result_ = torch::empty_like(grad_);
    log_sum_ = torch::empty({size.images, size.heads, count()});
  }

  /// q of the area: [images, heads, queries, depth].
  torch::Tensor queries() const {
    return qkv_.slice(1, 0, size_.area_height)
        .slice(2, 0, size_.area_width)
        .slice(3, 0, size_.heads * size_.depth)
        .to(torch::kFloat32)
        .reshape({size_.images, count(), size_.heads, size_.depth})
        .transpose(1, 2);
  }

  template <int kDepth>
  void run() {
    const AttentionCall call{sizeof(T) == 4 ? Number::Float32 : Number::BFloat16,
                             size_.images,
                             size_.height,
                             size_.width,
                             size_.heads,
                             size_.depth,
                             size_.area_height,
                             size_.area_width,
                             qkv_.data_ptr(),
                             products_.data_ptr<float>(),
                             result_.data_ptr(),
                             log_sum_.data_ptr<float>()};
    const auto heads = static_cast<unsigned>(size_.images * size_.heads);
    simt::launch({blocks(count()), heads}, kThreads, shared_bytes<ForwardTiles<T, kDepth>>(call),
                 [&] { attend<T, kDepth>(call); });
    const torch::Tensor delta = (grad_.to(torch::kFloat32) * result_.to(torch::kFloat32))
                                    .view({size_.images, count(), size_.heads, size_.depth})
                                    .sum(-1)
                                    .transpose(1, 2)
                                    .contiguous();
    grad_qkv_ = torch::zeros_like(qkv_);
    torch::Tensor grad_queries = torch::empty({size_.images, size_.heads, count(), size_.depth});
    torch::Tensor grad_products = torch::zeros_like(products_);
    const AttentionGradientCall gradient{call,
                                         grad_.data_ptr(),
                                         delta.data_ptr<float>(),
                                         grad_qkv_.data_ptr(),
                                         grad_queries.data_ptr<float>(),
                                         grad_products.data_ptr<float>()};
    simt::launch({blocks(count()), heads}, kThreads, shared_bytes<QueryTiles<T, kDepth>>(call),
                 [&] { attend_gradient_queries<T, kDepth>(gradient); });
    const KeyCut cut(static_cast<int>(size_.height), static_cast<int>(size_.width), kOwnRows);
    simt::launch({static_cast<unsigned>(cut.chunks * cut.steps), heads}, kThreads,
                 shared_bytes<KeyTiles<T, kDepth>>(call), [&] { attend_gradient_keys<T, kDepth>(gradient); });
    grad_table_ = torch::matmul(grad_products.flatten(0, 2).t(), queries().flatten(0, 2));
    const torch::Tensor whole = grad_queries + torch::matmul(grad_products, turned_);
    grad_qkv_.slice(1, 0, size_.area_height)
        .slice(2, 0, size_.area_width)
        .slice(3, 0, size_.heads * size_.depth)
        .copy_(whole.transpose(1, 2).reshape(grad_.sizes()));
  }

  void expect_equal(double tolerance) const {
    const torch::Tensor qkv = qkv_.to(torch::kFloat64).requires_grad_();
    const nn::RelPosTables tables{tables_.height.to(torch::kFloat64).requires_grad_(),
                                  tables_.width.to(torch::kFloat64).requires_grad_()};
    const torch::Tensor result = nn::rel_pos_attention(qkv, tables, size_.heads, nn::AttentionPath::Plain,
                                                       nn::QueryArea{size_.area_height, size_.area_width});
    result.backward(grad_.to(torch::kFloat64));
    expect_close("result", result_, result, tolerance);
    expect_close("gradient of q, k, v", grad_qkv_, qkv.grad(), tolerance);
    const torch::Tensor grad_table = torch::cat({tables.height.grad().flip(0), tables.width.grad().flip(0)});
    expect_close("gradient of the tables", grad_table_, grad_table, tolerance);
  }

 private:
  int64_t count() const { return size_.area_height * size_.area_width; }

  static void expect_close(const char* what, const torch::Tensor& got, const torch::Tensor& wanted, double tolerance) {
    const double difference = (got.to(torch::kFloat64) - wanted).abs().max().item<double>();
    EXPECT_LE(difference, tolerance * wanted.abs().max().item<double>()) << what;
  }

  Size size_;
  torch::ScalarType type_;
  torch::Tensor qkv_;
  nn::RelPosTables tables_;
  torch::Tensor turned_, grad_, products_, result_, log_sum_, grad_qkv_, grad_table_;
};

class AttentionKernels : public ::testing::TestWithParam<Size> {
 protected:
  void SetUp() override {
#ifdef __SANITIZE_ADDRESS__
    GTEST_SKIP() << "AddressSanitizer does not follow fibers";
#endif
    torch::manual_seed(7);
  }

  template <typename T>
  static void compare(double tolerance) {
    Comparison<T> comparison(GetParam());
    if (GetParam().depth <= 32) {
      comparison.template run<32>();
    } else if (GetParam().depth <= 64) {
      comparison.template run<64>();
    } else if (GetParam().depth <= 80) {
      comparison.template run<80>();
    } else {
      comparison.template run<128>();
    }
    comparison.expect_equal(tolerance);
  }
};

TEST_P(AttentionKernels, AgreeWithTheFormulaInFloat32) { compare<float>(1e-5); }
TEST_P(AttentionKernels, AgreeWithTheFormulaInBFloat16) { compare<BFloat16>(2e-2); }

INSTANTIATE_TEST_SUITE_P(Sizes, AttentionKernels,
                         ::testing::Values(Size{1, 3, 5, 2, 16, 3, 5}, Size{2, 9, 11, 1, 24, 9, 11},
                                           Size{1, 14, 14, 1, 64, 9, 13}, Size{1, 1, 70, 1, 32, 1, 70},
                                           Size{1, 67, 1, 1, 32, 30, 1}, Size{1, 4, 66, 1, 80, 2, 65},
                                           Size{1, 5, 9, 1, 128, 5, 9}));

}  // namespace
}  // namespace lamina::cuda
