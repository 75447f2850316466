"""Runs with a problem, with its kind, and healthy runs."""

from mlpviz import Settings

FULL, MINI = "fashion-mnist", "fashion-mnist-mini"
TWO = (256, 256)


def case(dataset: str = MINI, **changes: object) -> Settings:
    return Settings(dataset=dataset, **changes)


#: The table of shared/FACTS.md: learning rate, hidden sizes, and which diagnoses are right after one epoch of the full
#: set. At 3.16 with two hidden layers the loss rises to 10³⁰ and more. Whether it passes 10³⁸ depends on the
#: processor.
FACTS = [
    (0.001, (256,), {"slow"}),
    (0.001, TWO, {"plateau"}),
    (0.01, (256,), {"healthy", "slow"}),
    (0.01, TWO, {"plateau"}),
    (0.1, (256,), {"healthy"}),
    (0.1, TWO, {"healthy"}),
    (0.316, (256,), {"healthy"}),
    (0.316, TWO, {"healthy"}),
    (1.0, (256,), {"dead"}),
    (1.0, TWO, {"dead"}),
    (1.78, (256,), {"dead"}),
    (1.78, TWO, {"dead"}),
    (3.16, (256,), {"dead"}),
    (3.16, TWO, {"dead", "overflow"}),
]

ILL = [
    ("plateau", case(FULL, init_std=0.001, hidden_sizes=TWO)),
    ("plateau", case(init_std=0.0001, hidden_sizes=TWO)),
    ("plateau", case(hidden_sizes=(128,) * 6)),
    ("zeros", case(init="zeros")),
    ("still", case(learning_rate=0.0)),
    ("vanishing", case(hidden_sizes=(128,) * 6, activation="sigmoid", init="pytorch")),
    ("vanishing", case(hidden_sizes=(128,) * 6, activation="sigmoid", init="xavier")),
    ("vanishing", case(hidden_sizes=(128,) * 4, activation="sigmoid", init="xavier")),
    ("saturated", case(hidden_sizes=(64,) * 3, activation="tanh", init_std=1.0, learning_rate=10.0)),
    ("saturated", case(activation="tanh", learning_rate=10.0)),
    ("saturated", case(hidden_sizes=TWO, activation="tanh", learning_rate=3.0)),
    ("loud", case(hidden_sizes=TWO, activation="tanh", init_std=5.0)),
    ("overflow", case(hidden_sizes=(64,) * 3, activation="leaky_relu", init_std=1.0)),
    ("overflow", case(hidden_sizes=(64,) * 3, activation="identity", init="xavier", learning_rate=1.0)),
    ("overflow", case(hidden_sizes=TWO, init="kaiming", learning_rate=1.0)),
    ("exploded", case(activation="leaky_relu", learning_rate=3.0)),
    ("oscillation", case(hidden_sizes=(), learning_rate=10.0)),
    ("oscillation", case(activation="leaky_relu", optimizer="adam", learning_rate=1.0)),
    ("decayed", case(weight_decay=1.0)),
    ("dead", case(learning_rate=10.0)),
    ("dead", case(activation="gelu", learning_rate=3.0)),
    ("dying", case(learning_rate=0.5, momentum=0.9)),
    ("dead", case(learning_rate=0.1, optimizer="adam")),
    ("loud", case(init_std=0.3, learning_rate=0.01)),
    ("slow", case(activation="tanh", init="xavier", learning_rate=1e-5)),
    ("slow", case(learning_rate=1e-4, init="kaiming")),
    ("slow", case(optimizer="adam", learning_rate=1e-6, init="kaiming", hidden_sizes=(64, 64))),
    ("zeros", case(init="zeros", activation="sigmoid")),
]

WELL = [
    *[case(learning_rate=rate) for rate in (0.03, 0.05, 0.1, 0.2, 0.3)],
    *[case(activation=name) for name in ("tanh", "sigmoid", "gelu", "leaky_relu", "identity")],
    *[
        case(activation=name, init="xavier", hidden_sizes=(128, 64))
        for name in ("tanh", "sigmoid", "gelu", "leaky_relu", "identity")
    ],
    *[
        case(batch_size=size, learning_rate=rate)
        for size, rate in ((1, 0.005), (4, 0.02), (16, 0.05), (64, 0.1), (1024, 0.3))
    ],
    case(train_size=2000, batch_size=2000, learning_rate=0.2),
    *[
        case(init=init, hidden_sizes=sizes)
        for init in ("xavier", "kaiming", "pytorch")
        for sizes in ((256,), TWO, (128,) * 4)
    ],
    case(init="kaiming", hidden_sizes=(128,) * 6),
    *[case(optimizer=name, learning_rate=0.001) for name in ("adam", "adamw", "rmsprop")],
    case(optimizer="adam", learning_rate=0.003, init="kaiming", hidden_sizes=(128, 128)),
    case(optimizer="adam", learning_rate=0.0001),
    case(momentum=0.5),
    case(momentum=0.9, learning_rate=0.03),
    case(momentum=0.9, nesterov=True, learning_rate=0.03),
    case(momentum=0.9, learning_rate=0.3, activation="leaky_relu"),
    case(hidden_sizes=()),
    case(hidden_sizes=(), learning_rate=0.03, batch_size=32),
    case(weight_decay=0.001),
    case(weight_decay=0.01),
    case(train_size=200, batch_size=20),
    case(train_size=1000, batch_size=100, learning_rate=0.2),
    case(init_std=0.1),
    case(init_std=0.001),
    case(hidden_sizes=(8,)),
    case(hidden_sizes=(512, 256, 128), init="kaiming", learning_rate=0.05),
    case(hidden_sizes=(64, 32), init="pytorch", learning_rate=0.2, seed=7),
    case(hidden_sizes=(64, 64), activation="sigmoid", init="xavier", learning_rate=0.5),
    case(FULL),
    case(FULL, hidden_sizes=TWO),
]
STEPS = 330
