// Names, addresses, sizes and hashes. The six digits in the names of Meta's files begin their MD5, not their SHA-256.
#include "engine/weights/official.hpp"

#include <lamina/base/error.hpp>
#include <lamina/base/text.hpp>

#include <vector>

namespace lamina::engine {
namespace {

constexpr OfficialWeights kOfficial[] = {
    {"sam_vit_b", "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_b_01ec64.pth", 375042383,
     "ec2df62732614e57411cdcf32a23ffdf28910380d03139ee0f4fcbe91eb8c912", "sam", "SAM ViT-B"},
    {"sam_vit_l", "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_l_0b3195.pth", 1249524607,
     "3adcc4315b642a4d2101128f611684e8734c41232a17c648ed1693702a49a622", "sam", "SAM ViT-L"},
    {"sam_vit_h", "https://dl.fbaipublicfiles.com/segment_anything/sam_vit_h_4b8939.pth", 2564550879,
     "a7bf3b02f3ebf1267aba913ff637d9a2d5c33d3173bb679e46d9f338c26f262e", "sam", "SAM ViT-H"},
    {"mobile_sam", "https://raw.githubusercontent.com/ChaoningZhang/MobileSAM/master/weights/mobile_sam.pt", 40728226,
     "6dbb90523a35330fedd7f1d3dfc66f995213d81b29a5ca8108dbcdd4e37d6c2f", "mobile_sam", "MobileSAM"},
};

}  // namespace

std::string OfficialWeights::file() const { return split(url, '/').back(); }

std::span<const OfficialWeights> official_weights() { return kOfficial; }

const OfficialWeights& official_weights(const std::string& name) {
  std::vector<std::string> names;
  for (const OfficialWeights& one : kOfficial) {
    if (name == one.name) return one;
    names.emplace_back(one.name);
  }
  throw ConfigError(text("there are no official weights '", name, "'", did_you_mean(name, names),
                         "; there are: ", join(names), "; or give a URL"));
}

}  // namespace lamina::engine
