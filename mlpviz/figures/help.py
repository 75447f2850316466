"""What each figure of the board means: in everyday words, then what is healthy and what isn't, then the formula."""

from __future__ import annotations

from typing import NamedTuple


class Help(NamedTuple):
    """The help of one figure.

    Attributes:
        plain: what it shows. healthy: what to look for. formula: exactly what was computed.
    """

    plain: str
    healthy: str
    formula: str


#: By the name of the card.
HELP = {
    "Examples": Help(
        "The network’s answers, as they are now. The bar shows how sure it is. Ten of the images are from the test "
        "set: the network never trains on these. Your own picture comes first, if you add one.",
        "Before training, the answers are guesses. With training, most of them become right. A wrong answer can be "
        "very sure, too.",
        "The percentage is the largest of the ten softmax probabilities: exp(z_c) / Σ exp(z_k), for the logits z.",
    ),
    "Network": Help(
        "One image goes through the network, from left to right. A red line adds to what it reaches; a dashed blue "
        "line takes away. Thick lines count most. A small picture shows what a hidden unit reacts to: bright pixels "
        "where it is red raise the unit, bright pixels where it is blue lower it. With “error back”, the lines go "
        "from right to left and show how much each class and each unit shares in the error. Red: it should be lower. "
        "Blue: it should be higher.",
        "Before training, the pictures are noise. With training, parts of garments appear in them. Only the strongest "
        "units and the largest lines are drawn, and always some to the answer and to the right class. The sentence "
        "says how much that is.",
        "A line is h·w: the output of a unit times the weight of the connection. The first lines are w·x, summed over "
        "all pixels. With “error back”, δ of a class is its probability, minus 1 for the true class. A line is then "
        "δ·w·φ′(z): the part of a unit’s error that comes through this connection. The first lines are δ itself. A "
        "picture is ∂z/∂x; in the first layer, these are the unit’s weights.",
    ),
    "The class": Help(
        "Each point is the run of one student. Its position shows two of its settings. Its colour and its number are "
        "the test accuracy, in percent. On a tile, the curve is the training loss; the bar and the number are the test "
        "accuracy.",
        "Yellow is high, blue is low. A square with a sign is a run with an alarm. A faint point was not tested yet: "
        "the network is tested after each epoch. Runs with the same settings lie side by side. A click on a point or "
        "on a tile shows the run to the class.",
        "The accuracy is that of the latest test on all test images. After a deal, each student has different values. "
        "Without one, the axes are the learning rate and the batch size, on logarithmic scales.",
    ),
    "Prediction": Help(
        "What the class has predicted: a bar for each answer.",
        "The bars are hidden until the teacher shows them. The green bar is what happened, once the teacher has said "
        "so.",
        "The number of students who chose the answer. Students who have left the class are not counted.",
    ),
    "Loss": Help(
        "How wrong the answers are: one number, to be made small. 0 would be perfect. Guessing gives 2.30.",
        "Healthy: it falls, and the test loss stays close to the training loss. Not healthy: it jumps up, or stays at "
        "2.30, or the test loss rises while the training loss falls.",
        "Cross-entropy: −log(probability of the true class). Faint: the mean over each mini-batch. Line: the mean of "
        "25 steps or, in long runs, of one point’s steps. Test: the mean over all test images, once each epoch.",
    ),
    "Accuracy": Help(
        "The share of images that get the right answer. Guessing gets 10 %.",
        "Healthy: it rises, and the test accuracy is not much lower than the training accuracy. A large gap means "
        "overfitting: the network knows the training images much better than new ones.",
        "The number of right answers, divided by the number of images. The answer is the class with the largest logit.",
    ),
    "Gradient norms": Help(
        "How strongly each layer is asked to change. The gradient says, for each weight, how the loss changes with "
        "it; its norm is the size of all these numbers together.",
        "Healthy: no layer is far below the others. Close to 0: the layer hardly learns. Sudden large values: the "
        "next steps may go too far.",
        "‖∂L/∂W‖, the square root of the sum of squares, from .grad after each step. Faint: each step. Line: a moving "
        "mean, as in the loss. The switch shows the same for the biases b.",
    ),
    "Weights": Help(
        "How many weights have which value. Grey shows them before training. The switch shows the gradients instead.",
        "Healthy: the shape becomes wider, slowly. Not healthy: it jumps, or a few weights are far away from all "
        "others.",
        "A histogram for each layer. All bars of one layer together have the area 1.",
    ),
    "Update ratio": Help(
        "How far one step moves the weights, compared with their size.",
        "The dashed line, 10⁻³, is a rule of thumb from practice and no law: one step changes the weights by about a "
        "thousandth of their size. Much lower: training is slow. Above 10⁻¹: each step changes the weights a lot.",
        "‖ΔW‖ / ‖W‖ for each layer’s weights, at some steps only. Source of the rule: the course CS231n, Stanford.",
    ),
    "Dead units": Help(
        "The share of hidden units that have stopped learning, in each hidden layer. A ReLU unit is dead if it "
        "outputs 0 for every image: then no gradient reaches its weights.",
        "Healthy: 0 %, or a few. If the share jumps up, the learning rate is probably too high.",
        "A unit counts as dead if the slope of its activation is below 10⁻³ on each of 512 test images.",
    ),
    "Sharpness": Help(
        "How strongly the loss curves where the network is now, in the direction in which it curves most.",
        "Above the dashed line, a step of plain gradient descent would go too far in that direction. Training often "
        "stays near this line.",
        "λ, the largest eigenvalue of the Hessian of the loss, on up to 512 training images. For SGD, the dashed line "
        "is 2/η, where η is the learning rate, and 2(1 + μ)/η with momentum μ. The band shows how well λ is known.",
    ),
    "Tiles": Help(
        "What the hidden units of the first layer react to. Each picture is one unit: its 784 weights, in the places "
        "of the 784 pixels.",
        "At first, the pictures are noise. With training, shapes of garments appear. Speckles that stay are pixels "
        "that hardly ever matter, such as the corners.",
        "The rows of W₁ as 28 × 28 pictures, for the 24 units with the largest ‖w‖. Red: positive. Blue: negative.",
    ),
    "Test accuracy": Help(
        "A map over two settings. Every cell is a real run with these values. The more yellow a cell is, the "
        "better its run. A symbol means that the run is ill.",
        "In a large area of good runs, the exact settings matter little. Runs differ by chance, too: a "
        "difference of one or two per cent means little, and a whole column can be lucky. Try a map with the seed on "
        "one axis. The best of many runs is partly luck. In real work, one chooses settings with other images than "
        "those of the final test.",
        "The share of right answers on the test set after the last step, or the mean cross-entropy there. The line is "
        "2/λ for SGD, 2(1 + μ)/λ with momentum μ, 2(1 + μ)/((1 + 2μ)λ) with Nesterov’s. λ is the largest eigenvalue of "
        "the Hessian of the training loss on up to 512 images, at the last step of the run with the lowest learning "
        "rate that has the same value of the other setting. Adam and RMSprop have no such line.",
    ),
}
