// Mixed precision for as long as the object lives.
#pragma once

#include <string>

#include <ATen/autocast_mode.h>

namespace lamina::engine {

class Autocast {
 public:
  /// `amp`: "none" or "bf16".
  Autocast(const std::string& amp, at::DeviceType device)
      : device_(device),
        was_enabled_(at::autocast::is_autocast_enabled(device)),
        dtype_before_(at::autocast::get_autocast_dtype(device)) {
    at::autocast::increment_nesting();
    at::autocast::set_autocast_dtype(device_, at::kBFloat16);
    at::autocast::set_autocast_enabled(device_, amp == "bf16");
  }
  ~Autocast() {
    // Weights that were cast for this region must not outlive the next optimizer step.
    if (at::autocast::decrement_nesting() == 0) at::autocast::clear_cache();
    at::autocast::set_autocast_enabled(device_, was_enabled_);
    at::autocast::set_autocast_dtype(device_, dtype_before_);
  }
  Autocast(const Autocast&) = delete;
  Autocast& operator=(const Autocast&) = delete;

 private:
  at::DeviceType device_;
  bool was_enabled_;
  at::ScalarType dtype_before_;
};

}  // namespace lamina::engine
