#include <lamina/io/volume_io.hpp>

#include <array>

namespace lamina {
namespace {

// Longest first, so that ".nii.gz" wins over ".gz".
constexpr std::array kExtensions{".nii.gz", ".nii",  ".nrrd", ".nhdr", ".mha", ".mhd",
                                 ".png",    ".jpeg", ".jpg",  ".tiff", ".tif", ".dcm"};

}  // namespace

std::string image_extension(const std::filesystem::path& file) {
  const std::string name = file.filename().string();
  for (const std::string extension : kExtensions) {
    if (name.size() > extension.size() && name.ends_with(extension)) return extension;
  }
  return "";
}

bool is_image_file(const std::filesystem::path& file) { return !image_extension(file).empty(); }

}  // namespace lamina
