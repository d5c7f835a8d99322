"""The colour of one pixel of a face: one source for two machines.

Every function is plain arithmetic on numbers and on calls (exp, log, sqrt, sin, abs, where, clip,
low, high, maybe, noise) that `bind` gives a meaning: compiled scalars (face_numba) or tensors
(face_torch). So that both stay possible: no loop over pixels, and no branch except `if maybe(...)`,
which a tensor machine always takes and which must therefore change nothing visible.

`p` is one face's record of `face_shape.features`; x, y (head units) is where the pixel's ray meets
the head, u, v where it meets the picture plane.
"""

import types


def bind(library=None, *, decorate=lambda f: f, **ops):
    """These functions over `ops` and, for the calls not in it, over those of NumPy or torch."""
    bound = {"__builtins__": __builtins__, **ops}
    if library is not None:
        names = ("exp", "log", "sqrt", "sin", "abs", "where", "clip")
        bound |= {name: getattr(library, name) for name in names}
    for name, f in list(globals().items()):
        if isinstance(f, types.FunctionType) and f.__module__ == __name__ and name != "bind":
            bound[name] = decorate(types.FunctionType(f.__code__, bound, name))
    return types.SimpleNamespace(**bound)


def step(x, soft):
    """0 to 1 across x = 0, over about +-2 `soft`."""
    return 1.0 / (1.0 + exp(clip(-x / soft, -30.0, 30.0)))


def bell(a, b):
    """exp(-a^2 - b^2): a soft blob, 1 at the centre."""
    return exp(-low(a * a + b * b, 40.0))


def ridge(a):
    """exp(-a^2): a soft line."""
    return exp(-low(a * a, 40.0))


def fine(a, b):
    """Noise with a second octave."""
    return 0.75 * noise(a, b) + 0.5 * noise(2.1 * a + 7.0, 2.1 * b + 3.0)


def flat(x, r, g, b):
    """One colour for all of x."""
    return r + 0.0 * x, g + 0.0 * x, b + 0.0 * x


def hair(p, k):
    """The colour of hair in light k."""
    return p.hair_r * k, p.hair_g * k, p.hair_b * k


def blend(a, b, w):
    """Colour a with share w of colour b."""
    return a[0] + (b[0] - a[0]) * w, a[1] + (b[1] - a[1]) * w, a[2] + (b[2] - a[2]) * w


# ---- geometry: an ellipse across at every height, plus bumps


def widths(p, y):
    """Half width and half depth of the head at height y."""
    below = y > 0.0
    u = low(abs(y) / where(below, p.chin, p.top), 0.9995) + 1e-6
    q = log(1.0 - exp(where(below, p.jaw_p, 2.6) * log(u)) + 1e-9)
    w = high(p.head_w * exp(where(below, p.point, 0.5) * q), 0.05)
    return w, high(p.depth * exp(0.30 * q), 0.05)


def bumps(p, x, y):
    """What stands out of the ellipsoid, in z: nose, brows, sockets, cheeks, lips, chin."""
    ax, xn = abs(x), x - p.nose_dx * clip(y, 0.0, 1.0)
    t = y / p.nose_l
    inside = clip(t, 0.0, 1.0)
    profile = where(t < 1.0, inside * sqrt(inside), ridge((y - p.nose_l) / 0.12))
    b = p.nose_h * profile * ridge(xn / (p.bridge + 0.09 * inside))
    b = b + 0.11 * bell((abs(xn) - 0.70 * p.nose_w) / 0.085, (y - p.nose_l - 0.03) / 0.10)
    b = b + p.ridge * bell((ax - 0.40) / 0.50, (y + 0.27) / 0.16)
    b = b - p.socket * bell((ax - p.eye_x + 0.06) / 0.25, (y + 0.03) / 0.17)
    b = b + 0.075 * bell((ax - p.eye_x) / 0.17, y / 0.13)
    apple = bell((ax - 0.64) / 0.27, (y - 0.52 + 0.07 * p.cheek) / 0.24)
    b = b + (p.cheekbone + 0.07 * p.cheek) * apple
    my = p.mouth_y
    b = b + p.pout * bell(x / 0.36, (y - my + 0.07) / 0.10)
    b = b + p.pout * bell(x / 0.30, (y - my - 0.12 - 0.9 * p.jaw) / 0.09)
    b = b - 0.06 * bell(x / 0.35, (y - my - 0.30 - 0.95 * p.jaw) / 0.09)
    return b + p.chin_boss * bell(x / 0.26, (y - p.chin + 0.16) / 0.16)


def cast(p, u, v):
    """Where the ray through (u, v) meets the head: x, y, distance t and signed margin."""
    w = v - 0.4  # PIVOT
    x0, y0, z0 = u * p.r00 + w * p.r10, u * p.r01 + w * p.r11 + 0.4, u * p.r02 + w * p.r12
    dx, dy, dz = p.r20, p.r21, p.r22
    x, y, t, margin = x0 + dx, y0 + dy, 0.0 * x0, 0.0 * x0
    for _ in range(3):
        wide, deep = widths(p, y)
        z = z0 - bumps(p, x, y)
        a = dx * dx / (wide * wide) + dz * dz / (deep * deep)
        b = x0 * dx / (wide * wide) + z * dz / (deep * deep)
        c = x0 * x0 / (wide * wide) + z * z / (deep * deep) - 1.0
        disc = b * b - a * c
        t = (sqrt(high(disc, 0.0) + 1e-6) - b) / a
        x, y, margin = x0 + dx * t, y0 + dy * t, disc / a * wide * 0.5
    return x, y, t, margin


# ---- the face, painted in head coordinates; each returns darkness (in log) or colours and a cover


def eye_frame(p, x, y):
    """s: -1 at the inner corner to 1 at the outer; heights of the lids, upper first; the eye's."""
    side = where(x < 0.0, -1.0, 1.0)
    s = (abs(x) - p.eye_x) / p.eye_w
    q = high(1.0 - exp(2.2 * log(abs(s) + 1e-6)), 0.0)
    base = p.eye_dy * side - p.tilt * s
    upper = base - p.lid_up * q * (1.0 - p.lid_skew * s)
    return s, upper, base + p.lid_low * q * (1.0 + 0.15 * s), base


def relief(p, x, y):
    """Darkness of folds, hollows and wrinkles."""
    ax, my = abs(x), p.mouth_y
    s, up, lo, base = eye_frame(p, x, y)
    d = p.hollow * bell((ax - 0.29) / 0.12, (y + 0.06) / 0.13)
    d = d + 0.14 * bell((ax - p.eye_x) / 0.30, (y + 0.15) / 0.08)
    d = d + p.bag * bell((ax - p.eye_x + 0.05) / 0.19, (y - base - p.lid_low - 0.10) / 0.05)
    crease = y - base + (p.lid_up + p.crease) * high(1.0 - 0.75 * s * s, 0.0)
    d = d + p.lid_fold * ridge(crease / 0.024) * step(1.12 - abs(s), 0.06)
    d = d + 0.14 * ridge((y - lo - 0.035) / 0.022) * step(1.0 - abs(s), 0.08) * (0.4 + p.squint)
    xn, yn = x - p.nose_dx, y - p.nose_l
    an = abs(xn)
    if maybe((an < 0.75) & (y > -0.35) & (y < 1.25)):
        d = d + 0.34 * bell((an - p.nose_w - 0.02) / 0.035, (yn - 0.02) / 0.10)
        d = d + 0.42 * bell(xn / (0.85 * p.nose_w), (yn - 0.165) / 0.05)
        hole = bell((an - 0.46 * p.nose_w) / (0.25 * p.nose_w), (yn - 0.105) / 0.036)
        d = d + p.nostril * hole
        d = d + 0.12 * bell((an - p.bridge - 0.06) / 0.05, (y - 0.30) / 0.25)
        pleats = 0.16 * p.nose_wrinkle * (1.0 + sin(52.0 * (y - 0.5 * ax)))
        d = d + pleats * bell(x / 0.20, (y - 0.12) / 0.16)
    f = (yn + 0.06) / (my - p.nose_l + 0.24)
    line = ax - p.nose_w - 0.05 - p.fold_wide * clip(f, 0.0, 1.3)
    band = step(f + 0.02, 0.06) * step(1.0 - f, 0.10)
    fold = 0.38 * p.fold * ridge(line / 0.05) - 0.16 * p.fold * ridge((line - 0.10) / 0.07)
    d = d + fold * band
    d = d + 0.40 * p.frown * bell((ax - 0.085 - 0.05 * (y + 0.3)) / 0.030, (y + 0.33) / 0.13)
    if maybe(y < -0.35):
        w = (y + 0.45 + 0.10 * x * x) / 0.135
        lines = 0.20 * p.forehead * (sin(6.2832 * w) - 0.2) * step(0.62 - ax, 0.10)
        d = d + lines * step(-0.42 - y, 0.03) * step(y + 0.98, 0.04)
    feet = 0.16 * p.crow * (1.0 + sin(46.0 * (y - 0.35 * (ax - p.eye_x) * y / 0.1)))
    d = d + feet * bell((ax - p.eye_x - p.eye_w - 0.13) / 0.09, y / 0.11)
    if maybe((y > p.nose_l) & (ax < 1.0)):
        d = d + 0.24 * bell(x / 0.28, (y - my - p.lip_low - p.open_low - 0.085) / 0.05)
        d = d + 0.12 * bell(x / 0.05, (yn - 0.30) / 0.10)
        crumple = 0.15 * p.chin_crumple * (0.6 + sin(38.0 * x) * sin(38.0 * y))
        d = d + crumple * bell(x / 0.24, (y - p.chin + 0.22) / 0.13)
        cy = my + p.corner
        d = d + 0.45 * p.dimple * bell((ax - p.mouth_w - 0.07) / 0.035, (y - cy + 0.01) / 0.08)
        d = d + 0.18 * p.tight * bell(x / 0.34, (y - my + p.lip_up + 0.04) / 0.03)
        d = d + 0.22 * p.tight * bell(x / 0.34, (y - my - p.lip_low - 0.05) / 0.03)
        cord = 0.16 * p.stretch * ridge((ax - p.mouth_w - 0.09) / 0.03)
        d = d + cord * ridge((y - cy - 0.05) / 0.16)
    return d


def brow_height(p, s, side):
    """Height of the eyebrow's middle, s from 0 (inner end) to 1; side: -1 or 1."""
    line = p.brow_yi * (1.0 - s) + p.brow_yo * s
    return line - p.brow_arch * 4.0 * s * (1.0 - s) * (0.55 + 0.9 * s) + p.brow_dy * side


def brow_cover(p, x, y, aa):
    """How much of the pixel is eyebrow."""
    s = (abs(x) - p.brow_in) / (p.brow_out - p.brow_in)
    middle = brow_height(p, s, where(x < 0.0, -1.0, 1.0))
    thick = p.brow_th * (1.10 - 0.62 * clip(s, 0.0, 1.0))
    hairs = 0.86 + 0.28 * fine(p.tex_u + 9.0 * x + 3.0 * y, p.tex_v + 2.5 * y - 2.0 * abs(x))
    cover = step(thick - abs(y - middle), 0.013 + 0.5 * aa) * step(s, 0.045) * step(1.0 - s, 0.05)
    return cover * clip(p.brow_dark * hairs, 0.0, 1.0)


def mouth_frame(p, x):
    """m: -1 to 1 across; heights of outer upper, inner upper, inner lower, outer lower lip."""
    m = x / p.mouth_w
    q = high(1.0 - m * m, 0.0)
    r = sqrt(q)
    middle = p.mouth_y + p.mouth_dy * m + p.corner * m * m + p.lateral * high(m, 0.0) * m * -0.12
    up, lo = middle - p.open_up * q, middle + p.open_low * (0.45 * q + 0.55 * r)
    top = up - p.lip_up * (0.75 * q + 0.25 * r) * (1.0 - p.bow * ridge(m / 0.17))
    return m, top, up, lo, lo + p.lip_low * (0.6 * r + 0.4 * q)


def mouth(p, x, y, aa, colour, skin):
    """Lips, opening, teeth, tongue over `colour`; darkness of the line; shares of opening, lips."""
    m, top, up, lo, end = mouth_frame(p, x)
    am = abs(m)
    inside = step(1.0 - am, 0.02 + 0.3 * aa)
    lips = step(y - top, 0.012 + 0.5 * aa) * step(end - y, 0.018 + 0.5 * aa) * inside
    red = p.lip_red
    green, blue = skin[1] * (0.76 - 0.24 * red), skin[2] * (0.79 - 0.24 * red)
    colour = blend(colour, (skin[0] * (0.92 - 0.10 * red), green, blue), 0.85 * lips)
    gap = clip((p.open_up + p.open_low) / 0.035, 0.0, 1.0)
    hole = step(y - up, 0.004 + 0.5 * aa) * step(lo - y, 0.004 + 0.5 * aa) * inside * gap
    colour = blend(colour, flat(x, 0.15, 0.05, 0.05), hole)
    drop = high(lo - up, 0.0)
    tongue = hole * step(y - lo + 0.10 + 0.10 * drop, 0.03) * step(0.70 - am, 0.10)
    tongue = tongue * clip((drop - 0.10) * 6.0, 0.0, 1.0)
    colour = blend(colour, flat(x, 0.55, 0.23, 0.23), 0.75 * tongue)
    seam = 1.0 - 0.20 * ridge(sin(24.0 * x) / 0.18) - 0.35 * am * am
    lower = 0.75 * step(y - lo + 0.045, 0.010 + 0.4 * aa) * step(0.12 - drop, 0.02)
    rows = high(step(up + 0.115 - y, 0.008 + 0.4 * aa), lower)
    white = hole * rows * step(0.88 - am, 0.05) * p.teeth
    colour = blend(colour, (0.86 * seam, 0.83 * seam, 0.77 * seam), 0.95 * white)
    middle = 0.5 * (up + lo)
    line = ridge((y - middle) / (0.016 + 0.4 * aa)) * step(1.05 - am, 0.03) * (1.0 - gap)
    rim = 0.5 * ridge((y - up) / (0.014 + 0.4 * aa)) * inside * gap * (1.0 - 0.8 * white)
    corner = bell((abs(x) - p.mouth_w) / 0.035, (y - p.mouth_y - p.corner) / 0.035)
    dark = 0.95 * line + rim + 0.30 * corner + 0.22 * lips * step(middle - y, 0.05)
    dark = dark - 0.10 * bell(x / 0.16, (y - lo - 0.45 * p.lip_low) / 0.04)
    return colour, dark * (1.0 - hole), hole, lips


def eyes(p, x, y, aa, colour):
    """Eyeballs over `colour`; also how much is eyeball, and the darkness of lashes."""
    side = where(x < 0.0, -1.0, 1.0)
    s, up, lo, base = eye_frame(p, x, y)
    ball = step(y - up, 0.004 + 0.45 * aa) * step(lo - y, 0.004 + 0.45 * aa)
    ball = ball * step(1.0 - abs(s), 0.02)
    xe, ye = x - side * p.eye_x - p.gaze_x, y - base + 0.012 - p.gaze_y
    r = sqrt(xe * xe + ye * ye + 1e-8)
    iris, pupil = step(0.102 - r, 0.004 + 0.4 * aa), step(0.042 - r, 0.003 + 0.4 * aa)
    white = 0.95 - 0.22 * ridge((y - up) / 0.035) - 0.16 * s * s
    glow = (0.75 + 4.5 * low(r, 0.102)) * (1.0 - 0.5 * ridge((r - 0.102) / 0.016))
    ring = (p.iris_r * glow, p.iris_g * glow, p.iris_b * glow)
    c = blend((0.95 * white, 0.91 * white, 0.89 * white), ring, iris)
    c = blend(c, flat(x, 0.03, 0.02, 0.02), pupil)
    wide = 0.018 + 0.3 * aa
    spark = bell((xe - 0.03 * where(p.light_x > 0.0, 1.0, -1.0)) / wide, (ye + 0.035) / wide)
    c = blend(c, flat(x, 1.0, 1.0, 1.0), 0.8 * spark)
    upper = ridge((y - up + 0.004) / (0.016 + 0.010 * p.liner + 0.4 * aa))
    lash = (1.0 + 0.7 * p.liner) * upper * step(1.06 - abs(s), 0.03)
    lower = (0.22 + 0.4 * p.liner * p.liner) * ridge((y - lo) / (0.014 + 0.4 * aa))
    return blend(colour, c, ball), ball, lash + lower * step(1.02 - abs(s), 0.03)


def face(p, x, y, aa, nx, ny, nz):
    """The lit face at head point (x, y) with normal (nx, ny, nz) in camera axes: r, g, b."""
    skin = (p.skin_r, p.skin_g, p.skin_b)
    ax = abs(x)
    blotch = noise(p.tex_u + 5.0 * x, p.tex_v + 5.0 * y)
    spots = p.freckle * clip(fine(p.tex_v + 16.0 * x, p.tex_u + 16.0 * y) - 0.25, 0.0, 1.0)
    spots = spots * bell(ax / 0.8, (y - 0.35) / 0.35)
    flush = 0.10 * bell((ax - 0.62) / 0.30, (y - 0.5) / 0.28)
    flush = flush + 0.08 * bell(x / 0.20, (y - p.nose_l) / 0.15)
    colour = (skin[0] + 0.0 * x, skin[1] * (1.0 - 0.8 * flush), skin[2] * (1.0 - flush))
    dark = relief(p, x, y) + p.blotch * blotch + 0.7 * spots
    if maybe(p.beard > 0.0):
        cheek = step(y - 0.98, 0.10) * step(ax + 2.0 * (y - 1.0) - 0.28, 0.09)
        cheek = cheek * step(y - 0.62 - 0.55 * (1.15 - ax), 0.10)
        lip = bell(0.0 * x, (y - p.nose_l - 0.31) / 0.075) * step(p.mouth_w + 0.06 - ax, 0.05)
        bush = clip(0.62 + 0.38 * fine(p.tex_u + 7.0 * x, p.tex_v + 3.0 * y), 0.0, 1.0)
        beard = low(cheek + lip, 1.0) * low(0.35 + 0.8 * p.beard, 1.0) * low(p.beard * 8.0, 1.0)
        colour = blend(colour, (p.hair_r, p.hair_g, p.hair_b), beard * bush)
    line, hole, brow, ball, lash = 0.0 * x, 0.0 * x, 0.0 * x, 0.0 * x, 0.0 * x
    if maybe((y > p.nose_l) & (ax < 1.25 * p.mouth_w + 0.15)):
        colour, line, hole, lips = mouth(p, x, y, aa, colour, skin)
    if maybe(abs(y - p.brow_yi) < 0.45):
        brow = brow_cover(p, x, y, aa)
        colour = blend(colour, (0.55 * p.hair_r, 0.52 * p.hair_g, 0.50 * p.hair_b), 0.93 * brow)
    if maybe(abs(y) < 0.36):
        colour, ball, lash = eyes(p, x, y, aa, colour)
    dark = (dark * (1.0 - hole) * (1.0 - 0.6 * brow) + line) * (1.0 - ball) + lash
    facing = nx * p.light_x + ny * p.light_y + nz * p.light_z
    shade = p.ambient * (0.70 + 0.30 * nz) + p.diffuse * clip((facing + 0.22) / 1.22, 0.0, 2.0)
    shine = clip(facing, 0.0, 1.0)
    shine = shine * shine * shine
    shine = 0.075 * shine * shine * shine * step(p.chin - 0.10 - y, 0.02)
    shine = shine * (1.0 - ball) * (1.0 - hole) * (1.0 - brow)
    k = shade * exp(-dark)
    c = (colour[0] * k + shine, colour[1] * k + shine, colour[2] * k + shine)
    if maybe((y < p.hairline + 0.6 + 0.5 * ax * ax * ax) | (ax > 0.75 * p.head_w)):
        c = hair_on_head(p, x, y, nz, facing, c)
    if maybe(p.glasses > 0.0):
        s = (ax - p.eye_x) / (1.42 * p.eye_w)
        across = exp(p.round_rim * log(abs(s) + 1e-6))
        d = exp(log(across + exp(p.round_rim * log(abs(y - 0.04) / 0.26 + 1e-6))) / p.round_rim)
        rim = ridge((d - 1.0) / 0.075) + ridge((y + 0.03) / 0.026) * step(0.17 - ax, 0.02)
        rim = rim + ridge((y + 0.06) / 0.03) * step(ax - 0.84, 0.02)
        c = blend(c, flat(x, 0.07, 0.06, 0.06), low(rim, 1.0) * p.glasses)
    return c


def strands(p, x, y):
    """Brightness of hair, about 1: long threads along y, broken by slow noise."""
    bend = noise(p.tex_v + 1.5 * x, p.tex_u + 1.5 * y)
    threads = fine(p.tex_u + 11.0 * x + 2.0 * bend, p.tex_v + 0.9 * y)
    return clip(1.0 + 0.30 * threads + 0.20 * bend, 0.5, 1.6)


def hair_on_head(p, x, y, nz, facing, c):
    """Hair that lies on the skull, over colour c."""
    ax = abs(x)
    fuzz = 0.05 * fine(p.tex_u + 6.0 * x, p.tex_v + 2.0 * y)
    edge = p.hairline + 0.50 * ax * ax * ax + 0.10 * ridge((x - p.parting) / 0.25)
    edge = edge + 0.42 * p.fringe * step(0.85 - ax, 0.08) + fuzz
    cap = step(edge - y, 0.030)
    temple = step(ax - 0.90 * p.head_w - 0.4 * fuzz, 0.03) * step(0.25 + 1.2 * p.hair_len - y, 0.12)
    cover = (cap + temple - cap * temple) * p.has_hair
    light = p.ambient + p.diffuse * clip(0.6 * facing + 0.25, 0.0, 2.0)
    return blend(c, hair(p, light * strands(p, x * (1.0 + 0.25 * abs(y)), y)), cover)


def behind(p, u, v):
    """What the head may hide, at point (u, v) of the picture: wall, hair, neck, clothes, ears."""
    w = v - 0.4
    x, y = u * p.r00 + w * p.r10, u * p.r01 + w * p.r11 + 0.4
    x = x + 0.15 * p.r20  # hair and ears sit behind the turning axis
    ax = abs(x)
    across, down = 2.0 * u / p.span * 3.0 + 64.0 * p.back_u, 2.0 * v / p.span * 3.0
    cloud = 0.6 * noise(across, down + 64.0 * p.back_v)
    cloud = cloud + 0.6 * fine(p.back_v * 64.0 + 1.2 * u, p.back_u * 64.0 + 1.2 * v)
    cloud = p.back_rough * cloud + 0.05 * v / p.span
    c = (p.back_r + cloud, p.back_g + cloud, p.back_b + 0.9 * cloud)
    soft = p.ambient + 0.45 * p.diffuse
    long = clip((p.hair_len - 0.5) * 2.0, 0.0, 1.0)
    wide = p.head_w + p.hair_vol
    lit = 0.8 * soft + 0.0 * x
    if maybe((ax < 1.45 * wide) & (y < 2.9)):
        lit = lit * strands(p, x, y)
    curtain = step(wide * (1.0 + 0.10 * high(y, 0.0)) - ax, 0.05) * step(y, 0.05)
    curtain = curtain * step(0.1 + 2.4 * long - y, 0.12)
    curtain = curtain * clip(long * 20.0, 0.0, 1.0) * p.has_hair
    c = blend(c, hair(p, lit), curtain)
    flare = high(v - 1.6, 0.0)
    neck = step(0.72 * p.head_w / 1.2 + 0.12 * flare * flare - abs(u), 0.04) * step(v - 0.8, 0.05)
    shade = soft * (1.0 - 0.55 * ridge((y - p.chin) / 0.35) - 0.15 * ridge((abs(u) - 0.7) / 0.2))
    c = blend(c, (p.skin_r * shade, p.skin_g * shade, p.skin_b * shade), neck)
    fabric = soft * (1.0 + 0.06 * noise(3.0 * u, 3.0 * v)) * (1.0 - 0.15 * ridge(u / 0.08))
    collar = where(abs(u) < 0.75, 0.30 * (0.75 - abs(u)), 0.0)
    cloth = (p.cloth_r * fabric, p.cloth_g * fabric, p.cloth_b * fabric)
    c = blend(c, cloth, step(v - 2.12 - 0.17 * u * u - collar, 0.03))
    ex, ey = (ax - p.head_w) / 0.16, (y - 0.22) / 0.36
    ear = 1.0 - ex * ex - ey * ey
    rim = soft * (0.92 - 0.25 * ridge((ear - 0.45) / 0.25))
    flesh = (p.skin_r * rim, 0.95 * p.skin_g * rim, 0.94 * p.skin_b * rim)
    c = blend(c, flesh, step(ear, 0.10) * (1.0 - 0.9 * curtain))
    tall = (y + 0.15) / (p.top + 0.8 * p.hair_vol - 0.08)
    crown = 1.0 - (x / wide) * (x / wide) - tall * tall
    return blend(c, hair(p, lit), step(crown, 0.04) * step(0.10 - y, 0.05) * p.has_hair)


def cover(p, y, margin, pixel):
    """How much of the pixel is head."""
    edge = clip(0.5 + 0.8 * margin / pixel, 0.0, 1.0)
    return edge * step(p.chin - 0.004 - y, 0.008 + 0.3 * pixel) * step(y + p.top, 0.02)


def pixel(p, u, v, x, y, margin, tu, tv, size):
    """The linear colour of a pixel `size` head units wide; tu, tv: slope of the ray's length."""
    aa = 0.55 * size + 0.003
    part = cover(p, y, margin, size)
    c = (0.0 * x, 0.0 * x, 0.0 * x)
    if maybe(part < 0.998):
        c = behind(p, u, v)
    if maybe(part > 0.002):
        # the last pixel before the outline has no honest slope
        tu, tv = clip(tu, -2.5, 2.5), clip(tv, -2.5, 2.5)
        nz = 1.0 / sqrt(1.0 + tu * tu + tv * tv)
        c = blend(c, face(p, x, y, aa, -tu * nz, -tv * nz, nz), part)
    return c
