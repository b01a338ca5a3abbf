"""Writes `kinds/`, one small image of every kind, and `kinds.npz`, their pixels (height, width, channels), with Pillow.

JPEG pixels come from Pillow's own libjpeg-turbo."""
import os, numpy as np
from PIL import Image

os.makedirs("kinds", exist_ok=True)
y, x = np.mgrid[0:12, 0:17]
rgb = np.stack([x * 15, y * 20, (x * y) % 256], -1).astype("u1")
image = Image.fromarray(rgb)
alpha = Image.fromarray(np.dstack([rgb, (x * 7 + 10).astype("u1")]))
image.save("kinds/rgb.png")
alpha.save("kinds/alpha.png")
image.convert("L").save("kinds/gray.png")
image.quantize(16).save("kinds/palette.png")
image.save("kinds/rgb.jpg", quality=90)
image.convert("L").save("kinds/gray.jpg", quality=90)
image.save("kinds/progressive.jpeg", quality=90, progressive=True)
image.convert("CMYK").save("kinds/cmyk.jpg", quality=90)


def pixels(name):
    opened = Image.open("kinds/" + name)
    if opened.mode == "CMYK":  # 255 - ink is what Pillow hands out; what remains of light is ink times black.
        inks = 255 - np.asarray(opened).astype("i4")
        return (inks[..., 3:] - ((255 - inks[..., :3]) * inks[..., 3:] >> 8)).astype("u1")
    if opened.mode == "RGBA":
        return np.asarray(opened)[..., :3]
    return np.asarray(opened.convert("RGB"))


expected = {name: pixels(name) for name in sorted(os.listdir("kinds"))}
gray = Image.open("kinds/rgb.jpg")
gray.draft("L", gray.size)  # libjpeg's own luma
expected["rgb.jpg, luma"] = np.asarray(gray)[..., None]
expected["rgb.png, luma"] = np.asarray(image.convert("L"))[..., None]
np.savez_compressed("kinds.npz", **expected)
