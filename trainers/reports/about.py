"""What cards say of data sets beside their sizes: what they are, and under which licence."""

TEXTS = {
    "digits": (
        "8×8 images of handwritten digits: the test part of 'Optical Recognition of Handwritten "
        "Digits' (Alpaydin and Kaynak, 1998, UCI), as scikit-learn brings it. CC BY 4.0."
    ),
    "mnist": "28×28 images of handwritten digits (LeCun et al., 1998). CC BY-SA 3.0.",
    "fashion_mnist": "28×28 images of clothes (Xiao et al., 2017, arXiv:1708.07747). MIT.",
    "natural_patches": (
        "Patches of the two photographs that scikit-learn brings, by danielbuechele and vultilion. "
        "CC BY 2.0."
    ),
    "toy2d": "Points of the plane, drawn from a density that is known; made by this library.",
    "uci_density": "Tables of UCI, prepared as by Papamakarios et al. (2017, arXiv:1705.07057).",
    "cifar10": "32×32 photographs in 10 classes (Krizhevsky, 2009). No licence is stated.",
    "svhn_cropped": "32×32 photographs of house numbers (Netzer et al., 2011). For research only.",
    "celeb_a": "Photographs of faces (Liu et al., 2015, arXiv:1411.7766). For research only.",
    "downsampled_imagenet": "Photographs (van den Oord et al., 2016). For research only.",
}


def text(dataset):
    """What is known of a data set, as TFDS names it; "" where that is nothing."""
    return TEXTS.get(dataset.partition("/")[0], "")
