// The loops of channel_norm.hpp over fixed parts of the rows. Nothing in them rounds differently with wider registers
// or another number of threads, so results are the same on every processor.
#include "nn/channel_norm.hpp"

#include <algorithm>
#include <cmath>
#include <vector>

#include <ATen/Parallel.h>

// Vectors wider than the baseline's registers are never passed between functions here: all of them are inlined.
#pragma GCC diagnostic ignored "-Wpsabi"

#if defined(__SANITIZE_ADDRESS__) || defined(__SANITIZE_THREAD__)
#define LAMINA_WIDE  // sanitizers are not up yet when the loader chooses
#else
#define LAMINA_WIDE __attribute__((target_clones("avx2", "default")))
#endif
#define LAMINA_INLINE inline __attribute__((always_inline))

namespace lamina::nn::channel_norm {
namespace {

constexpr int64_t kBlock = 4096;   // floats that are summed in single precision; they stay in the first-level cache
constexpr int64_t kPart = 65536;   // floats of one task
constexpr int64_t kGrain = 32768;  // floats that are worth a thread

/// Eight floats at any address; the compiler makes of them what the processor has.
typedef float Group __attribute__((vector_size(kGroup * sizeof(float)), aligned(4), may_alias));

LAMINA_INLINE Group& group(float* p) { return *reinterpret_cast<Group*>(p); }
LAMINA_INLINE const Group& group(const float* p) { return *reinterpret_cast<const Group*>(p); }
LAMINA_INLINE Group all(float value) { return Group{} + value; }

/// `grad` times the activation's derivative at `z`; with grad = z the activation itself.
LAMINA_INLINE Group leaky(Group grad, Group z, Group slope) { return z > all(0) ? grad : grad * slope; }

/// Some rows of one sample.
struct Rows {
  int64_t begin, end, channels;
};

/// Of one sample: y = leaky((x - mean) * factor + bias); all of them [channels].
struct Line {
  const float *mean, *factor, *bias;
  float slope;
};

/// Mean and squared deviations of rows that were not seen before, joined with those of the rows that were (Chan).
struct Moments {
  double *mean, *deviation;  // [channels]
  int64_t seen = 0;

  void join(int64_t channel, double other_mean, double other_deviation, int64_t count) const {
    const auto n = static_cast<double>(count), before = static_cast<double>(seen);
    const double apart = other_mean - mean[channel];
    mean[channel] += apart * n / (n + before);
    deviation[channel] += other_deviation + apart * apart * n * before / (n + before);
  }
};

LAMINA_WIDE void add_moments(const float* input, Rows rows, Moments result) {
  const int64_t step = std::max<int64_t>(1, kBlock / rows.channels);
  for (int64_t begin = rows.begin; begin < rows.end; begin += step) {
    const int64_t count = std::min(step, rows.end - begin);
    for (int64_t c = 0; c < rows.channels; c += kGroup) {
      const float* first = input + begin * rows.channels + c;
      Group sum{}, squares{};
      for (int64_t i = 0; i < count; ++i) sum += group(first + i * rows.channels);
      const Group mean = sum / all(static_cast<float>(count));
      for (int64_t i = 0; i < count; ++i) {
        const Group apart = group(first + i * rows.channels) - mean;
        squares += apart * apart;
      }
      for (int64_t i = 0; i < kGroup; ++i) result.join(c + i, mean[i], squares[i], count);
    }
    result.seen += count;
  }
}

LAMINA_WIDE void normalise(const float* input, Rows rows, Line line, float* output) {
  const Group slope = all(line.slope);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t c = 0; c < rows.channels; c += kGroup) {
      const int64_t i = row * rows.channels + c;
      const Group z = (group(input + i) - group(line.mean + c)) * group(line.factor + c) + group(line.bias + c);
      group(output + i) = leaky(z, z, slope);
    }
  }
}

/// Sums of the gradient in front of the activation, and of its product with x - mean.
LAMINA_WIDE void add_gradients(const float* input, const float* grad, Rows rows, Line line, double* sums,
                               double* products) {
  const Group slope = all(line.slope);
  const int64_t step = std::max<int64_t>(1, kBlock / rows.channels);
  for (int64_t begin = rows.begin; begin < rows.end; begin += step) {
    const int64_t end = std::min(begin + step, rows.end);
    for (int64_t c = 0; c < rows.channels; c += kGroup) {
      const Group mean = group(line.mean + c), factor = group(line.factor + c), bias = group(line.bias + c);
      Group sum{}, product{};
      for (int64_t row = begin; row < end; ++row) {
        const int64_t i = row * rows.channels + c;
        const Group apart = group(input + i) - mean;
        const Group inner = leaky(group(grad + i), apart * factor + bias, slope);
        sum += inner;
        product += inner * apart;
      }
      for (int64_t i = 0; i < kGroup; ++i) {
        sums[c + i] += static_cast<double>(sum[i]);
        products[c + i] += static_cast<double>(product[i]);
      }
    }
  }
}

/// factor * (g - mean of g) - pull * (x - mean), with g the gradient in front of the activation.
LAMINA_WIDE void spread_gradients(const float* input, const float* grad, Rows rows, Line line, const float* mean_grad,
                                  const float* pull, float* grad_input) {
  const Group slope = all(line.slope);
  for (int64_t row = rows.begin; row < rows.end; ++row) {
    for (int64_t c = 0; c < rows.channels; c += kGroup) {
      const int64_t i = row * rows.channels + c;
      const Group factor = group(line.factor + c), apart = group(input + i) - group(line.mean + c);
      const Group inner = leaky(group(grad + i), apart * factor + group(line.bias + c), slope);
      group(grad_input + i) = factor * (inner - group(mean_grad + c)) - group(pull + c) * apart;
    }
  }
}

/// The rows of all samples in tasks whose size depends on the shape alone.
class Tasks {
 public:
  explicit Tasks(const Extent& extent)
      : extent_(extent),
        rows_(std::max<int64_t>(1, kPart / extent.channels)),
        parts_((extent.rows + rows_ - 1) / rows_) {}

  int64_t count() const { return extent_.batch * parts_; }
  int64_t parts() const { return parts_; }
  int64_t sample(int64_t task) const { return task / parts_; }
  Rows rows(int64_t task) const {
    const int64_t begin = task % parts_ * rows_;
    return {begin, std::min(begin + rows_, extent_.rows), extent_.channels};
  }
  /// Where a task's sample begins.
  int64_t offset(int64_t task) const { return sample(task) * extent_.rows * extent_.channels; }

  template <class Work>
  void run(const Work& work) const {
    const int64_t floats = std::min(rows_, extent_.rows) * extent_.channels;
    at::parallel_for(0, count(), std::max<int64_t>(1, kGrain / std::max<int64_t>(1, floats)),
                     [&](int64_t begin, int64_t end) {
                       for (int64_t task = begin; task < end; ++task) work(task);
                     });
  }

 private:
  Extent extent_;
  int64_t rows_, parts_;
};

/// rstd * weight: [batch, channels].
std::vector<float> factors(const Extent& extent, const Terms& terms) {
  std::vector<float> result(static_cast<size_t>(extent.batch * extent.channels));
  for (size_t i = 0; i < result.size(); ++i) {
    result[i] = terms.rstd[i] * terms.weight[i % static_cast<size_t>(extent.channels)];
  }
  return result;
}

Line line_of(const Terms& terms, const std::vector<float>& factor, int64_t offset) {
  return {terms.mean + offset, factor.data() + offset, terms.bias, terms.slope};
}

}  // namespace

void measure(const float* input, const Extent& extent, double eps, float* mean, float* rstd) {
  const Tasks tasks(extent);
  const int64_t channels = extent.channels;
  std::vector<double> means(static_cast<size_t>(tasks.count() * channels)), deviations(means.size());
  tasks.run([&](int64_t task) {
    add_moments(input + tasks.offset(task), tasks.rows(task),
                {means.data() + task * channels, deviations.data() + task * channels});
  });
  for (int64_t sample = 0; sample < extent.batch; ++sample) {
    const int64_t first = sample * tasks.parts();
    Moments whole{means.data() + first * channels, deviations.data() + first * channels, tasks.rows(first).end};
    for (int64_t task = first + 1; task < first + tasks.parts(); ++task) {
      const int64_t count = tasks.rows(task).end - tasks.rows(task).begin;
      for (int64_t c = 0; c < channels; ++c) {
        const auto i = static_cast<size_t>(task * channels + c);
        whole.join(c, means[i], deviations[i], count);
      }
      whole.seen += count;
    }
    for (int64_t c = 0; c < channels; ++c) {
      mean[sample * channels + c] = static_cast<float>(whole.mean[c]);
      const double variance = whole.deviation[c] / static_cast<double>(extent.rows);
      rstd[sample * channels + c] = static_cast<float>(1 / std::sqrt(variance + eps));
    }
  }
}

void forward(const float* input, const Extent& extent, const Terms& terms, float* output) {
  const Tasks tasks(extent);
  const auto factor = factors(extent, terms);
  tasks.run([&](int64_t task) {
    const int64_t offset = tasks.offset(task);
    normalise(input + offset, tasks.rows(task), line_of(terms, factor, tasks.sample(task) * extent.channels),
              output + offset);
  });
}

void backward(const float* input, const float* grad_output, const Extent& extent, const Terms& terms, float* grad_input,
              float* grad_weight, float* grad_bias) {
  const Tasks tasks(extent);
  const int64_t channels = extent.channels;
  const auto factor = factors(extent, terms);
  std::vector<double> sums(static_cast<size_t>(tasks.count() * channels)), products(sums.size());
  tasks.run([&](int64_t task) {
    const int64_t offset = tasks.offset(task);
    add_gradients(input + offset, grad_output + offset, tasks.rows(task),
                  line_of(terms, factor, tasks.sample(task) * channels), sums.data() + task * channels,
                  products.data() + task * channels);
  });

  std::vector<float> mean_grad(static_cast<size_t>(extent.batch * channels)), pull(mean_grad.size());
  std::vector<double> weight(static_cast<size_t>(channels)), bias(weight.size());
  for (int64_t sample = 0; sample < extent.batch; ++sample) {
    for (int64_t c = 0; c < channels; ++c) {
      double sum = 0, product = 0;
      for (int64_t task = sample * tasks.parts(); task < (sample + 1) * tasks.parts(); ++task) {
        sum += sums[static_cast<size_t>(task * channels + c)];
        product += products[static_cast<size_t>(task * channels + c)];
      }
      const auto i = static_cast<size_t>(sample * channels + c);
      const double rstd = static_cast<double>(terms.rstd[i]), rows = static_cast<double>(extent.rows);
      bias[static_cast<size_t>(c)] += sum;
      weight[static_cast<size_t>(c)] += product * rstd;
      mean_grad[i] = static_cast<float>(sum / rows);
      pull[i] = static_cast<float>(static_cast<double>(factor[i]) * rstd * rstd * product / rows);
    }
  }
  std::copy(weight.begin(), weight.end(), grad_weight);
  std::copy(bias.begin(), bias.end(), grad_bias);

  tasks.run([&](int64_t task) {
    const int64_t offset = tasks.offset(task), line = tasks.sample(task) * channels;
    spread_gradients(input + offset, grad_output + offset, tasks.rows(task), line_of(terms, factor, line),
                     mean_grad.data() + line, pull.data() + line, grad_input + offset);
  });
}

}  // namespace lamina::nn::channel_norm
