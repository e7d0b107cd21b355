"""Flags of the programs, in groups.

Each function adds one group to an `absl.flags.FlagValues`; nothing here imports TensorFlow.
"""

from absl import flags

OPTIMIZERS = ("adam", "adamw", "adamax", "sgd", "rmsprop")
SCHEDULES = ("constant", "cosine", "exponential")
STRATEGIES = ("one_device", "mirrored", "multi_worker_mirrored")
PRECISIONS = ("float32", "mixed_bfloat16", "float64")
DATA_ARGUMENTS = ("data_dir", "manual_dir", "levels", "image_size", "resize", "label")


def data_flags(fv):
    """Which data set, and what becomes of it before a flow sees it."""
    flags.DEFINE_string(
        "dataset",
        None,
        "Data set, as TFDS names it (name or name/config): digits, toy2d/two_moons, "
        "uci_density/power, fashion_mnist, ...",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "data_dir", None, "Folder of prepared TFDS data sets (TFDS's own default).", flag_values=fv
    )
    flags.DEFINE_string(
        "manual_dir",
        None,
        "Folder of archives fetched by hand, for data sets that need one.",
        flag_values=fv,
    )
    flags.DEFINE_list(
        "image_size",
        None,
        "Size, or height,width, to crop images to about their centre or to pad them to with zeros.",
        flag_values=fv,
    )
    flags.DEFINE_list(
        "resize",
        None,
        "Size, or height,width, to resize images to after that, each pixel an area's average.",
        flag_values=fv,
    )
    flags.DEFINE_integer(
        "levels",
        None,
        "Grey levels to reduce images to after that, a divisor of their own; 32: 5 bits.",
        flag_values=fv,
    )
    flags.DEFINE_string(
        "label",
        None,
        "Feature to take for the label, a class label or a boolean, as in attributes/Smiling.",
        flag_values=fv,
    )


def data_arguments(options):
    """Returns what the data flags set, but --dataset, as arguments of `datasets.load`."""
    return {name: options[name].value for name in DATA_ARGUMENTS}


def trained_model_flags(fv):
    """Which finished flow."""
    flags.DEFINE_string(
        "model",
        None,
        "The flow: a name of zoo.list_models(), a folder that holds model.keras, or a .keras file.",
        flag_values=fv,
    )


def family_flags(fv):
    """Which family, with which arguments. What is left unset takes the family's own default."""
    flags.DEFINE_string("model", None, "Family: a key of zoo.MODELS.", flag_values=fv)
    flags.DEFINE_integer("num_layers", None, "Flow steps.", lower_bound=1, flag_values=fv)
    flags.DEFINE_list(
        "hidden_units", None, "Units of each hidden layer, as in 512,512.", flag_values=fv
    )
    flags.DEFINE_string("activation", None, "Activation of the networks.", flag_values=fv)
    flags.DEFINE_string(
        "transformer", None, "Scalar bijection: additive, affine, spline, ...", flag_values=fv
    )
    flags.DEFINE_string(
        "base",
        None,
        "Base distribution: normal, logistic, or another flow over the latent as a JSON object, as "
        'in {"model": "made", "components": 10}.',
        flag_values=fv,
    )
    flags.DEFINE_string(
        "preprocessing",
        None,
        "What takes grey levels to numbers of unit range: logit, center or none.",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "alpha", None, "Margin of --preprocessing=logit, in (0, 0.5).", flag_values=fv
    )
    flags.DEFINE_enum(
        "dequantization",
        None,
        ("uniform", "variational"),
        "Noise that grey levels get: uniform, or of a flow trained along.",
        flag_values=fv,
    )
    image_family_flags(fv)
    free_form_family_flags(fv)
    flags.DEFINE_boolean(
        "class_conditional", False, "Condition on the data set's labels.", flag_values=fv
    )
    flags.DEFINE_string(
        "model_args", None, "Further constructor arguments, as a JSON object.", flag_values=fv
    )
    flags.DEFINE_enum(
        "precision", "float32", PRECISIONS, "Precision of the networks.", flag_values=fv
    )
    start_flags(fv)


def free_form_family_flags(fv):
    """Arguments of residual and continuous flows."""
    flags.DEFINE_enum(
        "loss",
        None,
        ("likelihood", "flow_matching"),
        "What a continuous flow is trained by; validation measures the likelihood either way.",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "coefficient",
        None,
        "Bound of the norm of each linear map of a residual flow, in (0, 1).",
        flag_values=fv,
    )
    flags.DEFINE_enum(
        "log_det",
        None,
        ("auto", "exact", "series", "roulette"),
        "How a residual flow finds log-determinants.",
        flag_values=fv,
    )


def start_flags(fv):
    """Which finished flow a training starts from."""
    flags.DEFINE_string(
        "init_from",
        None,
        "Flow to start from in place of a new one of --model: a name of zoo.list_models(), a "
        "folder that holds model.keras, or a .keras file. With --base it gets another base.",
        flag_values=fv,
    )
    flags.DEFINE_boolean(
        "freeze",
        False,
        "Train the new --base alone; the layers of --init_from stay as they are.",
        flag_values=fv,
    )


def image_family_flags(fv):
    """Arguments of the families for images."""
    flags.DEFINE_integer(
        "scales",
        None,
        "Scales of a multi-scale flow, each at half the height and width of the one before (L).",
        lower_bound=1,
        flag_values=fv,
    )
    flags.DEFINE_integer("steps", None, "Steps a scale (K).", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer(
        "width", None, "Maps of the convolutional networks.", lower_bound=1, flag_values=fv
    )
    flags.DEFINE_integer(
        "blocks", None, "Residual blocks of a network.", lower_bound=0, flag_values=fv
    )
    flags.DEFINE_string(
        "coupling", None, "Coupling of glow: affine, additive, tanh, ...", flag_values=fv
    )
    flags.DEFINE_enum("conv", None, ("lu", "plain"), "1x1 convolution of glow.", flag_values=fv)


def optimizer_flags(fv):
    """How the weights are moved."""
    flags.DEFINE_enum("optimizer", "adam", OPTIMIZERS, "Optimizer.", flag_values=fv)
    flags.DEFINE_float(
        "learning_rate", 1e-3, "Highest learning rate.", lower_bound=0.0, flag_values=fv
    )
    flags.DEFINE_enum(
        "schedule",
        "constant",
        SCHEDULES,
        "How the learning rate goes from --learning_rate to --final_learning_rate.",
        flag_values=fv,
    )
    flags.DEFINE_float(
        "final_learning_rate",
        None,
        "Learning rate at the end of --epochs (cosine: 0; exponential: a hundredth).",
        lower_bound=0.0,
        flag_values=fv,
    )
    flags.DEFINE_integer(
        "warmup_steps", 0, "Steps of linear warm-up.", lower_bound=0, flag_values=fv
    )
    flags.DEFINE_float(
        "weight_decay",
        0.0,
        "Decoupled weight decay of the kernels, times the learning rate at each step.",
        lower_bound=0.0,
        flag_values=fv,
    )
    flags.DEFINE_float(
        "clip_norm",
        0.0,
        "Largest norm of the whole gradient; 0: no limit.",
        lower_bound=0.0,
        flag_values=fv,
    )
    flags.DEFINE_float(
        "ema_momentum",
        0.0,
        "Momentum of the average of the weights that is validated and kept; 0: no average.",
        lower_bound=0.0,
        upper_bound=0.999999,
        flag_values=fv,
    )


def training_flags(fv):
    """How long, where and on what."""
    flags.DEFINE_string("model_dir", None, "Folder of the run.", flag_values=fv)
    flags.DEFINE_integer("batch_size", 128, "Examples a step.", lower_bound=1, flag_values=fv)
    flags.DEFINE_boolean(
        "flips", False, "Mirror training images left to right at random.", flag_values=fv
    )
    flags.DEFINE_boolean(
        "fresh", False, "Train on new points of a toy at each pass, not on a split.", flag_values=fv
    )
    flags.DEFINE_integer("epochs", 100, "Most epochs.", lower_bound=1, flag_values=fv)
    flags.DEFINE_integer(
        "patience",
        0,
        "Epochs without a better validation loss after which to stop; 0: never.",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_integer(
        "validation_interval",
        1,
        "Epochs between validations, for flows whose likelihood takes longer than their training.",
        lower_bound=1,
        flag_values=fv,
    )
    flags.DEFINE_integer("seed", 0, "Seed of weights, order and noise.", flag_values=fv)
    flags.DEFINE_enum(
        "strategy", "one_device", STRATEGIES, "tf.distribute strategy.", flag_values=fv
    )
    flags.DEFINE_integer(
        "num_devices",
        0,
        "Devices of --strategy=mirrored; 0: all GPUs. Without as many GPUs, logical CPU devices.",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_enum(
        "jit", "auto", ("auto", "true", "false"), "Compile the steps with XLA.", flag_values=fv
    )
    flags.DEFINE_integer(
        "picture_interval",
        10,
        "Epochs between pictures of samples, to TensorBoard and pictures/; 0: none.",
        lower_bound=0,
        flag_values=fv,
    )
    flags.DEFINE_boolean("tensorboard", True, "Write TensorBoard scalars.", flag_values=fv)
    flags.DEFINE_enum(
        "progress",
        "auto",
        ("auto", "bar", "line", "none"),
        "Progress bar, one line an epoch, or nothing (auto: a bar on a terminal).",
        flag_values=fv,
    )


def noise_flags(fv):
    """How the test figure is taken."""
    flags.DEFINE_integer(
        "noise_draws",
        10,
        "Draws of the dequantization noise that each test example's figure is the mean of.",
        lower_bound=1,
        flag_values=fv,
    )
