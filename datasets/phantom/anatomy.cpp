// An atlas of ellipsoids, moved, turned, scaled, bent and roughened at random for each case.
#include "anatomy.hpp"

#include "smooth_field.hpp"

#include <cmath>

namespace lamina::phantom {
namespace {

using Point = std::array<double, 3>;  // x to the patient's left, y to the back, z to the head; the picture spans -1..1

struct Ellipsoid {
  Point centre, radius;
  double cosine = 1, sine = 0;  // turn about z

  // Below 0 inside; about the relative distance to the surface near it.
  double operator()(const Point& p) const {
    const double dx = p[0] - centre[0], dy = p[1] - centre[1], dz = (p[2] - centre[2]) / radius[2];
    const double x = (cosine * dx + sine * dy) / radius[0], y = (cosine * dy - sine * dx) / radius[1];
    return x * x + y * y + dz * dz - 1;
  }
};

struct Body {
  Ellipsoid outer, inner, right_lobe, left_lobe, spleen, spleen_hollow, stomach;
  std::array<Ellipsoid, 2> kidney, sinus;
  Ellipsoid spine, canal, aorta, cava;
  std::vector<Ellipsoid> gut, lesions;
};

class BodyMaker {
 public:
  BodyMaker(double deformation, Random random) : amount_(deformation), random_(random) {}

  Body make(double depth_ratio) {
    Body body;
    const double wall = random_.uniform(0.05, 0.13);
    body.outer = upright({0, 0, 0}, {0.9 * vary(0.06), 0.68 * vary(0.08), 50});
    body.inner = body.outer;
    body.inner.radius[0] -= wall;
    body.inner.radius[1] -= wall * 0.8;
    const double lift = random_.uniform(-0.15, 0.15) * amount_;  // breathing moves all organs alike
    body.right_lobe = organ({-0.37, -0.06, 0.12 + lift}, {0.37, 0.42, 0.6});
    body.left_lobe = organ({0.0, -0.27, 0.2 + lift}, {0.34, 0.19, 0.33});
    body.spleen = organ({0.53, 0.1, 0.12 + lift}, {0.2, 0.31, 0.42});
    body.spleen_hollow = organ({0.38, 0.0, 0.12 + lift}, {0.15, 0.24, 0.5});
    body.stomach = organ({0.34, -0.24, 0.2 + lift}, {0.25, 0.19, 0.4});
    for (size_t side = 0; side < 2; ++side) {
      const double sign = side == 0 ? -1 : 1;
      body.kidney[side] = organ({sign * 0.31, 0.33, -0.2 + 0.06 * sign + lift}, {0.14, 0.16, 0.36});
      body.sinus[side] = body.kidney[side];
      body.sinus[side].centre[0] -= sign * 0.11;
      body.sinus[side].radius = {0.09, 0.07, 0.2};
    }
    body.spine = upright({0, 0.42, 0}, {0.14 * vary(0.1), 0.13 * vary(0.1), 50});
    body.canal = upright({0, 0.53, 0}, {0.05, 0.045, 50});
    body.aorta = upright({0.1, 0.23, 0}, {0.055, 0.055, 50});
    body.cava = upright({-0.1, 0.2, 0}, {0.075 * vary(0.2), 0.055, 50});
    add_gut(body, depth_ratio);
    add_lesions(body);
    return body;
  }

 private:
  double vary(double share) { return 1 + random_.uniform(-share, share) * amount_; }

  Ellipsoid upright(Point centre, Point radius) {
    const double angle = random_.uniform(-0.12, 0.12) * amount_;
    return {centre, radius, std::cos(angle), std::sin(angle)};
  }

  Ellipsoid organ(Point centre, Point radius) {
    for (size_t axis = 0; axis < 3; ++axis) {
      centre[axis] += random_.uniform(-0.05, 0.05) * amount_;
      radius[axis] *= vary(0.16);
    }
    const double angle = random_.uniform(-0.35, 0.35) * amount_;
    return {centre, radius, std::cos(angle), std::sin(angle)};
  }

  void add_gut(Body& body, double depth_ratio) {
    const auto count = random_.integer(7, 12);
    for (int64_t i = 0; i < count; ++i) {
      const double size = random_.uniform(0.08, 0.16);
      const Point centre{random_.uniform(-0.55, 0.6), random_.uniform(-0.45, 0.1), random_.uniform(-depth_ratio, 0.0)};
      body.gut.push_back(organ(centre, {size * random_.uniform(1, 1.8), size, size * random_.uniform(1, 2)}));
    }
  }

  // Inside the right lobe, few and small; one case in ten has none.
  void add_lesions(Body& body) {
    const auto count = random_.chance(0.1) ? 0 : random_.integer(1, 3);
    for (int64_t i = 0; i < count; ++i) {
      const double angle = random_.uniform(0, 6.28318530718), reach = 0.5 * std::sqrt(random_.uniform());
      const auto& lobe = body.right_lobe;
      const Point centre{lobe.centre[0] + lobe.radius[0] * reach * std::cos(angle),
                         lobe.centre[1] + lobe.radius[1] * reach * std::sin(angle),
                         lobe.centre[2] + lobe.radius[2] * random_.uniform(-0.4, 0.35)};
      const double size = random_.uniform(0.11, 0.2);
      body.lesions.push_back(organ(centre, {size, size * random_.uniform(0.8, 1.2), size * random_.uniform(1, 1.5)}));
    }
  }

  double amount_;
  Random random_;
};

// Two shapes that flow into each other.
double smooth_union(double a, double b) {
  const double mix = std::max(0.35 - std::abs(a - b), 0.0) / 0.35;
  return std::min(a, b) - mix * mix * 0.09;
}

Tissue inside_organs(const Body& body, const Point& p, double rough) {
  if (smooth_union(body.right_lobe(p), body.left_lobe(p)) + rough < 0) {
    for (const auto& lesion : body.lesions) {
      if (lesion(p) + 2 * rough < 0) return Tissue::Lesion;
    }
    return Tissue::Liver;
  }
  if (body.spleen(p) + rough < 0 && body.spleen_hollow(p) + rough > 0) return Tissue::Spleen;
  for (size_t side = 0; side < 2; ++side) {
    if (body.kidney[side](p) + rough < 0) return body.sinus[side](p) < 0 ? Tissue::Fat : Tissue::Kidney;
  }
  if (body.stomach(p) + rough < 0) return Tissue::Stomach;
  for (const auto& loop : body.gut) {
    if (loop(p) + rough < 0) return Tissue::Gut;
  }
  return body.inner(p) > -0.35 ? Tissue::Muscle : Tissue::Fat;
}

Tissue tissue_at(const Body& body, const Point& p, double rough) {
  if (body.outer(p) > 0) return Tissue::Air;
  if (body.inner(p) > 0) return Tissue::Fat;
  if (body.canal(p) < 0) return Tissue::Fat;
  if (body.spine(p) + rough < 0) return Tissue::Bone;
  if (body.aorta(p) < 0 || body.cava(p) < 0) return Tissue::Vessel;
  return inside_organs(body, p, rough);
}

}  // namespace

std::vector<Tissue> paint_body(const FineGrid& grid, double deformation, const Random& random) {
  const Body body = BodyMaker(deformation, random.fork("body")).make(grid.depth_ratio);
  const SmoothField bend({3, 4, 4}, 3, random.fork("bend"));
  const SmoothField roughness({8, 12, 12}, 1, random.fork("roughness"));
  const double turn = 0.1, stray = 0.13;
  Random pose = random.fork("pose");
  const double angle = pose.uniform(-turn, turn) * deformation, scale = 1 + pose.uniform(-0.1, 0.08) * deformation;
  const Point shift{pose.uniform(-0.06, 0.06) * deformation, pose.uniform(-0.05, 0.05) * deformation, 0};
  const double cosine = std::cos(angle) / scale, sine = std::sin(angle) / scale;
  std::vector<Tissue> tissues(static_cast<size_t>(grid.depth * grid.height * grid.width));
  auto* out = tissues.data();
  for (int64_t k = 0; k < grid.depth; ++k) {
    const double w = (static_cast<double>(k) + 0.5) / static_cast<double>(grid.depth);
    for (int64_t j = 0; j < grid.height; ++j) {
      const double v = (static_cast<double>(j) + 0.5) / static_cast<double>(grid.height);
      const SmoothField::Row bent(bend, w, v), rough(roughness, w, v);
      for (int64_t i = 0; i < grid.width; ++i) {
        const double u = (static_cast<double>(i) + 0.5) / static_cast<double>(grid.width);
        const double x = 2 * u - 1 - shift[0], y = 2 * v - 1 - shift[1];
        const Point p{cosine * x + sine * y + stray * deformation * bent.at(u, 0),
                      cosine * y - sine * x + stray * deformation * bent.at(u, 1),
                      (2 * w - 1) * grid.depth_ratio + stray * deformation * bent.at(u, 2)};
        *out++ = tissue_at(body, p, 0.25 * deformation * rough.at(u, 0));
      }
    }
  }
  return tissues;
}

}  // namespace lamina::phantom
