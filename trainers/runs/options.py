"""Flags of the programs, in groups.

Each function adds one group to an `absl.flags.FlagValues`; nothing here imports TensorFlow.
"""

from trainers.runs.data_flags import data_arguments as data_arguments
from trainers.runs.data_flags import data_flags as data_flags
from trainers.runs.definers import MOST_LAYERS, MOST_UNITS, definers
from trainers.runs.definers import names as names

OPTIMIZERS = ("adam", "adamw", "adamax", "sgd", "rmsprop")
SCHEDULES = ("constant", "cosine", "exponential")
STRATEGIES = ("one_device", "mirrored", "multi_worker_mirrored")
PRECISIONS = ("float32", "mixed_bfloat16", "float64")


def train_flags(fv):
    """All that describes a training run: the flags of `trainers.train`."""
    family_flags(fv)
    data_flags(fv)
    optimizer_flags(fv)
    training_flags(fv)
    noise_flags(fv)


def trained_model_flags(fv):
    """Which finished flow."""
    define = definers(fv)
    define.path(
        "model",
        None,
        "The flow: a name of zoo.list_models(), a folder that holds model.keras, or a .keras file.",
    )


def family_flags(fv):
    """Which family, with which arguments. What is left unset takes the family's own default."""
    define = definers(fv)
    define.string("model", None, "Family: a key of zoo.MODELS, or vae.")
    model_argument_flags(fv)
    define.boolean("class_conditional", False, "Condition on the data set's labels.")
    define.string("model_args", None, "Further constructor arguments, as a JSON object.")
    define.enum("precision", "float32", PRECISIONS, "Precision of the networks.")
    define.path(
        "init_from",
        None,
        "Flow to start from in place of a new one of --model: a name of zoo.list_models(), a "
        "folder that holds model.keras, or a .keras file. With --base it gets another base.",
    )
    define.boolean(
        "freeze", False, "Train the new --base alone; the layers of --init_from stay as they are."
    )


def model_argument_flags(fv):
    """Constructor arguments of the families, each by its own name."""
    define = definers(fv)
    define.integer("num_layers", None, "Flow steps.", lower_bound=1, upper_bound=MOST_LAYERS)
    define.list("hidden_units", None, "Units of each hidden layer, as in 512,512.")
    define.string("activation", None, "Activation of the networks.")
    define.string(
        "transformer",
        None,
        "Scalar bijection: additive, affine, mixture, ...; with arguments as a JSON object, as in "
        '{"name": "mixture", "num_components": 10}.',
    )
    define.string(
        "base",
        None,
        "Base distribution, of a vae the prior: normal, logistic, or another flow over the latent "
        'as a JSON object, as in {"model": "made", "components": 10}.',
    )
    define.string(
        "posterior",
        None,
        "Posterior of a vae: diagonal, iaf, planar, ..., or a family as a JSON object, as in "
        '{"model": "iaf", "num_layers": 2}. Its prior is --base.',
    )
    define.integer(
        "latent", None, "Dimensions of the latent of a vae.", lower_bound=1, upper_bound=MOST_UNITS
    )
    define.enum(
        "likelihood",
        None,
        ("bernoulli", "discretized_logistic"),
        "What the decoder of a vae gives (bernoulli for two levels, else discretized_logistic).",
    )
    define.float(
        "free_bits", None, "Nats a dimension that a vae's loss does not charge.", lower_bound=0.0
    )
    define.integer(
        "kl_warmup_steps",
        None,
        "Steps in which the weight of a vae's KL divergence grows to 1.",
        lower_bound=0,
    )
    define.string(
        "preprocessing",
        None,
        "What takes grey levels to numbers of unit range: logit, center or none.",
    )
    define.float("alpha", None, "Margin of --preprocessing=logit, in (0, 0.5).")
    define.enum(
        "dequantization",
        None,
        ("uniform", "variational"),
        "Noise that grey levels get: uniform, or of a flow trained along.",
    )
    define.integer(
        "scales",
        None,
        "Scales of a multi-scale flow, each at half the height and width of the one before (L).",
        lower_bound=1,
        upper_bound=30,
    )
    define.integer("steps", None, "Steps a scale (K).", lower_bound=1, upper_bound=MOST_LAYERS)
    define.integer(
        "width", None, "Maps of the convolutional networks.", lower_bound=1, upper_bound=MOST_UNITS
    )
    define.integer(
        "blocks", None, "Residual blocks of a network.", lower_bound=0, upper_bound=MOST_LAYERS
    )
    define.integer(
        "patch_size",
        None,
        "Height and width of the patches that a transformer flow sees as tokens.",
        lower_bound=1,
        upper_bound=MOST_UNITS,
    )
    define.enum(
        "within",
        None,
        ("independent", "autoregressive"),
        "How the entries of a patch of tar_flow see each other.",
    )
    define.float(
        "dropout", None, "Share of the numbers within networks that a training step leaves out."
    )
    define.float(
        "label_dropout", None, "Share of the labels that training leaves out, for guidance."
    )
    define.string(
        "coupling",
        None,
        "Coupling of glow: affine, additive, tanh, mixture, ...; with arguments as --transformer.",
    )
    define.integer(
        "attention", None, "Heads of attention in convolutional networks.", lower_bound=0
    )
    define.enum("conv", None, ("lu", "plain"), "1x1 convolution of glow.")
    define.enum(
        "loss",
        None,
        ("likelihood", "flow_matching"),
        "What a continuous flow is trained by; validation measures the likelihood either way.",
    )
    define.float(
        "coefficient", None, "Bound of the norm of each linear map of a residual flow, in (0, 1)."
    )
    define.enum(
        "log_det",
        None,
        ("auto", "exact", "series", "roulette"),
        "How a residual flow finds log-determinants.",
    )


def optimizer_flags(fv):
    """How the weights are moved."""
    define = definers(fv)
    define.enum("optimizer", "adam", OPTIMIZERS, "Optimizer.")
    define.float("learning_rate", 1e-3, "Highest learning rate.", lower_bound=0.0)
    define.float(
        "beta_2",
        None,
        "Decay of the mean of squared gradients of adam, adamw and adamax (0.999).",
        lower_bound=0.0,
        upper_bound=0.999999,
    )
    define.enum(
        "schedule",
        "constant",
        SCHEDULES,
        "How the learning rate goes from --learning_rate to --final_learning_rate.",
    )
    define.float(
        "final_learning_rate",
        None,
        "Learning rate at the end of --epochs (cosine: 0; exponential: a hundredth).",
        lower_bound=0.0,
    )
    define.integer(
        "warmup_steps",
        None,
        "Steps of linear warm-up; unset, and for 0 with --init_from: a twentieth of all, at most "
        "500.",
        lower_bound=0,
    )
    define.float(
        "weight_decay",
        0.0,
        "Decoupled weight decay of the kernels, times the learning rate at each step.",
        lower_bound=0.0,
    )
    define.float(
        "clip_norm",
        None,
        "Largest norm of the whole gradient; 0: no limit; unset: as many as an event has numbers, "
        "at least 5.",
        lower_bound=0.0,
    )
    define.float(
        "ema_momentum",
        0.0,
        "Momentum of the average of the weights that is validated and kept; 0: no average. It "
        "spans a tenth of the training at most.",
        lower_bound=0.0,
        upper_bound=0.999999,
    )


def training_flags(fv):
    """How long, where and on what."""
    define = definers(fv)
    define.path("model_dir", None, "Folder of the run.")
    define.integer("batch_size", 128, "Examples a step.", lower_bound=1)
    define.boolean("flips", False, "Mirror training images left to right at random.")
    define.boolean("fresh", False, "Train on new points of a toy at each pass, not on a split.")
    define.integer("epochs", 100, "Most epochs.", lower_bound=1)
    define.integer("max_steps", None, "Most steps, in the midst of an epoch too.", lower_bound=1)
    define.float(
        "max_minutes",
        None,
        "Most minutes of training, of all starts together.",
        lower_bound=0.0,
    )
    define.integer(
        "patience",
        0,
        "Epochs without a better validation loss after which to stop; 0: never.",
        lower_bound=0,
    )
    define.integer(
        "validation_interval",
        1,
        "Epochs between validations, for flows whose likelihood takes longer than their training.",
        lower_bound=1,
    )
    define.integer("seed", 0, "Seed of weights, order and noise.", lower_bound=0)
    define.enum("strategy", "one_device", STRATEGIES, "tf.distribute strategy.")
    define.integer(
        "num_devices",
        0,
        "Devices of --strategy=mirrored; 0: all GPUs. Without as many GPUs, logical CPU devices.",
        lower_bound=0,
        upper_bound=1024,
    )
    define.integer(
        "steps_per_execution",
        1,
        "Steps that one call of TensorFlow's runs, a divisor of those of an epoch. Above 1, a loss "
        "that is no number is noticed that much later.",
        lower_bound=1,
    )
    define.enum("jit", "auto", ("auto", "true", "false"), "Compile the steps with XLA.")
    define.integer(
        "picture_interval",
        10,
        "Epochs between pictures of samples, to TensorBoard and pictures/; 0: none.",
        lower_bound=0,
    )
    define.float(
        "checkpoint_minutes",
        10.0,
        "Minutes after which a checkpoint is written within an epoch too; 0: only at its end.",
        lower_bound=0.0,
    )
    define.boolean("tensorboard", True, "Write TensorBoard scalars.")
    define.enum(
        "progress",
        "auto",
        ("auto", "bar", "line", "none"),
        "Progress bar, one line an epoch, or nothing (auto: a bar on a terminal).",
    )


def noise_flags(fv):
    """How the test figure is taken."""
    define = definers(fv)
    define.integer(
        "noise_draws",
        10,
        "Draws of the dequantization noise that each test example's figure is the mean of.",
        lower_bound=1,
    )
