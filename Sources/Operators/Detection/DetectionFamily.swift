extension OperatorFamily {
    /// Boxes and regions.
    static let detection = OperatorFamily(
        name: "Detection",
        definitions: [
            MultiBoxPrior(), MultiBoxDetection(), MultiBoxTarget(), BoxSuppression(), BoxOverlap(), BoxDecode(),
            BoxEncode(), BipartiteMatching(), Proposal.single, Proposal.multiple, RegionPooling.max,
            RegionPooling.aligned, RegionPooling.positionSensitive, RoiAlign(), NonMaxSuppression(),
        ])
}
