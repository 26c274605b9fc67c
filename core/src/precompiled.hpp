// Precompiled once and shared by every target that uses torch. Never lamina's own headers: they change.
#pragma once

#include <torch/torch.h>

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
