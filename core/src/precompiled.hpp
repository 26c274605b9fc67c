// Precompiled once and shared by every target that uses torch. Never lamina's own headers: they change. Not
// torch/torch.h: what it leaves to instantiate costs every file 5 s more; files include the modules they use.
#pragma once

#include <torch/nn/module.h>
#include <torch/utils.h>

#include <algorithm>
#include <any>
#include <array>
#include <cmath>
#include <filesystem>
#include <fstream>
#include <functional>
#include <map>
#include <memory>
#include <numeric>
#include <optional>
#include <set>
#include <span>
#include <string>
#include <vector>
