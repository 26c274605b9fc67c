// Pages travel; folders of the machine that made them stay at home.
#pragma once

#include <string>

namespace lamina::engine {

/// Every absolute path cut to its last part: "no file '/home/me/data/a.nii'" becomes "no file '.../a.nii'". A quoted
/// path may hold spaces. Addresses of the web stay.
std::string without_folders(const std::string& words);

}  // namespace lamina::engine
