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
    "sklearn_tables/breast_cancer": (
        "Shapes of cell nuclei of 569 patients: 'Breast Cancer Wisconsin (Diagnostic)' (Wolberg et "
        "al., 1995, UCI), as scikit-learn brings it. Every number is stored with four significant "
        "digits, and here has uniform noise of one unit of the fourth, drawn once: a density over "
        "rounded numbers has no greatest likelihood. Left out are the six columns that are exactly "
        "zero in 13 rows, those of concavity and concave points. CC BY 4.0."
    ),
    "sklearn_tables/wine": (
        "Chemical analyses of 178 wines of three cultivars: 'Wine' (Aeberhard and Forina, 1991, "
        "UCI), as scikit-learn brings it. Numbers are stored with few decimals, and here have "
        "uniform noise as wide as the step that more than half of their column lies on, drawn "
        "once: a density over rounded numbers has no greatest likelihood. CC BY 4.0."
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
    return TEXTS.get(dataset) or TEXTS.get(dataset.partition("/")[0], "")
